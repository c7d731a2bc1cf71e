// Reads the page aloud, paragraph by paragraph, where this device has a Chinese voice of its own: nothing is sent anywhere.
(function () {
  var speech = window.speechSynthesis;
  var panel = document.querySelector("[data-aloud]");
  if (!speech || !panel) return;
  var start = panel.querySelector("[data-aloud-start]");
  var next = panel.querySelector("[data-aloud-next]");
  var stop = panel.querySelector("[data-aloud-stop]");
  var parts = Array.prototype.filter.call(
    document.querySelectorAll("#notice-title, .notice-text p, .notice-text h2, .notice-text h3, .reading h2, .reading p, .reading li"),
    function (one) {
      return !one.matches(".item__object, .pairing__hint") && !one.querySelector("p, pre");
    }
  );
  var at = -1;
  var turn = 0; // what a cancelled sentence still reports is not ours any more

  function voice() {
    return speech.getVoices().filter(function (one) {
      return one.localService && /^(zh|cmn)/i.test(one.lang) && !/HK|yue/i.test(one.lang);
    })[0];
  }

  function offer() {
    panel.hidden = !voice() || !parts.length;
  }

  function mark(number) {
    if (parts[at]) parts[at].classList.remove("is-read");
    at = number;
    if (parts[at]) {
      parts[at].classList.add("is-read");
      parts[at].scrollIntoView({ block: "nearest" });
    }
    start.hidden = at >= 0;
    next.hidden = stop.hidden = at < 0;
  }

  function end() {
    turn += 1;
    speech.cancel();
    mark(-1);
  }

  // Sentence by sentence: some browsers fall silent in the middle of a long text.
  function read(number) {
    var mine = (turn += 1);
    speech.cancel();
    if (number >= parts.length) return end();
    mark(number);
    var sentences = parts[number].innerText.match(/[^。；！？]+[。；！？]*/g) || [""];
    (function say(index) {
      if (mine !== turn) return;
      if (index === sentences.length) return read(number + 1);
      var words = new SpeechSynthesisUtterance(sentences[index]);
      words.voice = voice();
      words.lang = words.voice ? words.voice.lang : "zh-CN";
      words.onend = words.onerror = function () {
        say(index + 1);
      };
      speech.speak(words);
    })(0);
  }

  start.addEventListener("click", function () {
    read(0);
    stop.focus();
  });
  next.addEventListener("click", function () {
    read(at + 1);
  });
  stop.addEventListener("click", function () {
    end();
    start.focus();
  });
  window.addEventListener("pagehide", end);
  if (speech.addEventListener) speech.addEventListener("voiceschanged", offer);
  offer();
})();
