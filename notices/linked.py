"""What a notice is in the words of schema.org, for search engines: a block of data in the page, never a script."""

import json

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from .documents.notice import NoticeDocument
from .models import Edition, PublicityNotice

# Inside a script element even data must not end it.
_IN_HTML = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def linked_data(notice: PublicityNotice, edition: Edition, document: NoticeDocument) -> SafeString:
    """JSON-LD of a notice, safe within a script element."""
    address = settings.SITE_URL + reverse("notices:notice", args=[notice.reference])
    bureau = {"@type": "GovernmentOrganization", "name": notice.organisation.name}
    article = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": document.title,
        "identifier": notice.reference,
        "version": str(edition.number),
        "url": address,
        "inLanguage": "zh-CN",
        "datePublished": notice.published_at.isoformat(),
        "dateModified": edition.published_at.isoformat(),
        "temporalCoverage": f"{edition.opens_on}/{edition.closes_on}",
        "publisher": bureau,
        "author": [{"@type": "GovernmentOrganization", "name": name} for name in document.signatories] or bureau,
        "isAccessibleForFree": True,
    }
    if office := document.office:
        channel = {"@type": "ServiceChannel", "serviceUrl": address, "servicePhone": office.phone}
        article["about"] = {
            "@type": "GovernmentService",
            "name": "整改情况公示异议受理",
            "provider": {"@type": "GovernmentOrganization", "name": office.name},
            "availableChannel": {name: value for name, value in channel.items() if value},
        }
    return mark_safe(json.dumps(article, ensure_ascii=False).translate(_IN_HTML))  # noqa: S308 – no <, > or & is left
