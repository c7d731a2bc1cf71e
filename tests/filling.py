"""What a browser would send of a form page that nobody touched."""

import html5lib


def filled(client, url: str, **changes) -> dict:
    """The fields of the change form at `url`, with these changes (rows__0__text is rows-0-text)."""
    tree = html5lib.parse(client.get(url).content.decode(), namespaceHTMLElements=False)
    form = next(each for each in tree.iter("form") if (each.get("id") or "").endswith("_form"))
    said: dict[str, list[str]] = {}
    for field in form.iter():
        name, skipped = field.get("name"), (field.get("type") or "").lower()
        if not name or skipped in ("submit", "button", "file") or "__prefix__" in name:
            continue
        if field.tag == "select":
            chosen = [each for each in field.iter("option") if each.get("selected") is not None]
            chosen = chosen or ([] if field.get("multiple") is not None else list(field.iter("option"))[:1])
            said.setdefault(name, []).extend(each.get("value") or "" for each in chosen)
        elif field.tag == "textarea":
            said.setdefault(name, []).append((field.text or "").removeprefix("\n").replace("\n", "\r\n"))
        elif skipped not in ("checkbox", "radio") or field.get("checked") is not None:
            said.setdefault(name, []).append(field.get("value") or "on" * (skipped == "checkbox"))
    return said | {name.replace("__", "-"): value for name, value in changes.items()}
