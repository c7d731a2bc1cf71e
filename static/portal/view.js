// Elder mode is remembered in this browser alone, and set before the first paint. An address with ?view= decides anew.
(function () {
  var asked = /[?&]view=(\w+)/.exec(location.search);
  try {
    if (asked) localStorage.setItem("view", asked[1] === "elder" ? "elder" : "standard");
    if (localStorage.getItem("view") === "elder") document.documentElement.dataset.view = "elder";
  } catch (error) {
    // Nothing can be remembered here: the addresses carry it.
  }
})();
