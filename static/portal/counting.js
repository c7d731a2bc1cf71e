// While a notice's first day, end, stage or organisation is chosen, the server counts and the page shows the days.
(function () {
  const place = document.querySelector("[data-counting]");
  const fields = ["organisation", "stage", "opens_on", "closes_on"].map((name) => document.querySelector(`#content [name="${name}"]`));
  if (!place || fields.includes(null)) return;
  const last = fields[3];
  let asked = 0;

  function show() {
    const fill = place.querySelector("[data-fill]");
    if (fill) fill.hidden = fill.dataset.fill === last.value;
  }

  async function count() {
    const own = ++asked;
    const said = new URLSearchParams(fields.map((field) => [field.name, field.value]));
    try {
      const answer = await fetch(`${place.dataset.counting}?${said}`);
      const piece = await answer.text();
      if (own !== asked || !answer.ok || answer.redirected) return; // overtaken, or logged out meanwhile
      place.innerHTML = piece;
      show();
    } catch {
      // Without the network the days stay as they are; saving counts them.
    }
  }

  fields.forEach((field) => field.addEventListener("change", count));
  place.addEventListener("click", (event) => {
    const fill = event.target.closest("[data-fill]");
    if (!fill) return;
    last.value = fill.dataset.fill;
    last.focus();
    count();
  });
  if (document.querySelector("[data-unsaved]")) count();
  show();
})();
