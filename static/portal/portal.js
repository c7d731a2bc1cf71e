// What the public pages do with a script: print, copy an address, switch the view in place. Everything works without.
(function () {
  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  each("[data-print]", function (button) {
    button.closest("[hidden]").removeAttribute("hidden");
    button.addEventListener("click", function () {
      window.print();
    });
  });

  each("[data-copy]", function (button) {
    var share = button.closest(".share");
    if (!navigator.clipboard) return;
    button.closest("[hidden]").removeAttribute("hidden");
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(share.querySelector("[data-copied]").textContent).then(function () {
        share.querySelector("[data-copy-done]").hidden = false;
      });
    });
  });

  try {
    localStorage.getItem("view");
  } catch (error) {
    return; // Nothing can be remembered here: links and forms go on carrying the view.
  }

  // The browser remembers, so no address needs to say it: a link that is passed on changes nobody else's view.
  function plain(address) {
    return address.replace(/([?&])view=\w+(&|$)/, "$1$2").replace("?&", "?").replace(/[?&]$/, "").replace(/[?&]#/, "#");
  }
  if (/[?&]view=/.test(location.search)) history.replaceState(null, "", plain(location.search) || location.pathname);
  each('a[href*="view=elder"]:not([data-view-switch])', function (link) {
    link.href = plain(link.getAttribute("href"));
  });
  each('form[action*="view=elder"]', function (form) {
    form.setAttribute("action", plain(form.getAttribute("action")));
  });
  each('input[type="hidden"][name="view"]', function (input) {
    input.parentNode.removeChild(input);
  });

  // In place: a form that is half filled in stays as it is.
  each("[data-view-switch]", function (link) {
    link.addEventListener("click", function (event) {
      var root = document.documentElement;
      event.preventDefault();
      localStorage.setItem("view", link.dataset.viewSwitch);
      if (link.dataset.viewSwitch === "elder") root.dataset.view = "elder";
      else root.removeAttribute("data-view");
      document.querySelector(root.dataset.view === "elder" ? ".to-standard a" : ".to-elder a").focus();
    });
  });
})();
