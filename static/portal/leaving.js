// Asks before a page is left on which something was typed and not saved. What a form shows by itself is its default.
(function () {
  function changed(field) {
    if (field.disabled || !field.name || /^(hidden|submit|button)$/.test(field.type)) return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.type === "file") return field.files.length > 0;
    if (!field.options) return field.value !== field.defaultValue;
    const options = Array.from(field.options);
    if (field.multiple) return options.some((option) => option.selected !== option.defaultSelected);
    return field.selectedIndex !== Math.max(0, options.findIndex((option) => option.defaultSelected));
  }

  let sent = null; // the form that is on its way
  const forms = Array.from(document.querySelectorAll('#content form[method="post"]'));
  const unsaved = (form) => form.querySelector("[data-unsaved]") || Array.from(form.elements).some(changed);
  forms.forEach((form) => form.addEventListener("submit", () => (sent = form)));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leave]")) sent = event.target.closest("form");
  });
  window.addEventListener("pageshow", () => (sent = null));
  window.addEventListener("beforeunload", (event) => {
    if (forms.some((form) => form !== sent && unsaved(form))) event.preventDefault();
  });
})();
