// Small things of the workplace: fields that a library draws get their names, an open filter closes by itself.
"use strict";

function nameFields() {
  for (const drawn of document.querySelectorAll(".select2-container")) {
    const select = drawn.previousElementSibling;
    const label = select && select.labels && select.labels[0];
    if (!label) continue;
    const name = label.textContent.replace(/[:：]\s*$/, "").trim();
    for (const each of drawn.querySelectorAll("[role=combobox], [role=textbox], .select2-search__field")) {
      each.removeAttribute("aria-labelledby");
      each.setAttribute("aria-label", name);
    }
  }
}

// Each of several chosen rows has a cross of its own; one for all would stand in their list without being of it.
for (const select of document.querySelectorAll("select.admin-autocomplete[multiple]")) select.dataset.allowClear = "false";
if (window.django && django.jQuery) django.jQuery(nameFields); // after the library has drawn them
document.addEventListener("formset:added", () => setTimeout(nameFields));

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(".filter[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector(".filter[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
