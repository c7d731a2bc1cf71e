// Rows of a form: put in another order by dragging or with the arrow keys, more added. Without a script the numbers do.
(function () {
  const rowsOf = (list) => Array.from(list.children).filter((each) => each.matches("[data-row]"));

  // The numbers stay, in rising order; the rows under them have moved.
  function renumber(list, moved) {
    for (const prefix of list.dataset.ordered.split(" ")) {
      const all = Array.from(list.querySelectorAll(`[name^="${prefix}-"][name$="-ordinal"]`));
      const own = moved.querySelector(`[name^="${prefix}-"][name$="-ordinal"]`);
      if (own && !own.value && prefix === list.dataset.ordered.split(" ")[0]) own.value = Math.max(0, ...all.map((each) => +each.value)) + 1;
      const numbered = all.filter((each) => each.value);
      const numbers = numbered.map((each) => +each.value).sort((one, other) => one - other);
      numbered.forEach((each, place) => (each.value = numbers[place]));
    }
  }

  function move(row, before) {
    const list = row.parentNode;
    list.insertBefore(row, before);
    renumber(list, row);
  }

  function attend(list) {
    let dragged = null;
    list.addEventListener("pointerdown", (event) => {
      const handle = event.target.closest("[data-handle]");
      if (!handle) return;
      event.preventDefault();
      handle.focus();
      dragged = handle.closest("[data-row]");
      dragged.classList.add("is-dragged");
    });
    document.addEventListener("pointermove", (event) => {
      if (!dragged) return;
      if (event.clientY < 60) window.scrollBy(0, -24);
      if (event.clientY > window.innerHeight - 60) window.scrollBy(0, 24);
      const next = rowsOf(list).find((row) => {
        const box = row.getBoundingClientRect();
        return event.clientY < box.top + box.height / 2;
      });
      if (next !== dragged && (next || null) !== dragged.nextElementSibling) list.insertBefore(dragged, next || null);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      document.addEventListener(end, () => {
        if (!dragged) return;
        dragged.classList.remove("is-dragged");
        renumber(list, dragged);
        dragged = null;
      });
    }
    list.addEventListener("keydown", (event) => {
      const handle = event.target.closest("[data-handle]");
      if (!handle || !/^Arrow(Up|Down)$/.test(event.key)) return;
      const row = handle.closest("[data-row]");
      const other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
      event.preventDefault();
      if (other) move(row, event.key === "ArrowUp" ? other : other.nextElementSibling);
      handle.focus();
    });
  }

  // A copy of the empty row, with the next number in all its names.
  function add(list, template) {
    const copy = template.content.cloneNode(true);
    const next = {};
    copy.querySelectorAll("*").forEach((each) => {
      for (const attribute of Array.from(each.attributes)) {
        if (!attribute.value.includes("__prefix__")) continue;
        attribute.value = attribute.value.replace(/(\w+)-__prefix__/g, (all, name) => {
          const prefix = name.replace(/^id_/, "");
          const total = document.querySelector(`[name="${prefix}-TOTAL_FORMS"]`);
          if (!(prefix in next)) total.value = (next[prefix] = +total.value) + 1;
          return `${name}-${next[prefix]}`;
        });
      }
    });
    list.appendChild(copy);
    show(list);
    list.lastElementChild.querySelector("input:not([type=hidden]), textarea").focus();
  }

  const show = (scope) => scope.querySelectorAll("[data-handle], [data-add]").forEach((each) => (each.hidden = false));

  document.querySelectorAll("[data-ordered]").forEach((list) => {
    attend(list);
    const template = list.parentNode.querySelector("template");
    const button = list.parentNode.querySelector("[data-add]");
    if (button) button.addEventListener("click", () => add(list, template));
    show(list.parentNode);
  });
})();
