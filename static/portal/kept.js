// Keeps what is typed into one text field, and nothing else, in this browser: until it is received, or for a day.
const PREFIX = "kept:";
const DAY = 24 * 60 * 60 * 1000; // milliseconds

function read(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    return kept && Date.now() - kept.at < DAY ? kept : null;
  } catch {
    return null; // no storage, or not ours
  }
}

function write(key, text) {
  try {
    if (text.trim()) localStorage.setItem(key, JSON.stringify({ text, at: Date.now() }));
    else localStorage.removeItem(key);
  } catch {
    // Full, or forbidden: what is typed stands in the page all the same.
  }
}

function sweep() {
  try {
    const old = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && !read(key));
    for (const key of old) localStorage.removeItem(key);
  } catch {
    // No storage: nothing to sweep.
  }
}

const plain = (text) => text.replace(/\r\n/g, "\n").trim();

// `offer` asks whether to take back what was kept; the note after the field says what is kept, and forgets it.
function attend(offer) {
  const key = PREFIX + offer.dataset.keep;
  const area = document.getElementById(offer.dataset.field);
  const note = document.querySelector(`[data-note="${offer.dataset.field}"]`);
  const kept = read(key);
  let waiting = kept && plain(kept.text) !== plain(area.value) ? kept.text : "";
  const whole = () => [waiting, area.value].filter((text) => text.trim()).join("\n\n");
  const save = () => write(key, whole()); // until somebody has chosen, the old text is kept beside the new
  const settle = () => {
    waiting = "";
    offer.hidden = true;
    save();
    area.focus();
  };
  area.addEventListener("input", save);
  note.hidden = false;
  note.querySelector("[data-forget]").addEventListener("click", () => {
    area.removeEventListener("input", save);
    write(key, "");
    offer.hidden = true;
    note.querySelector("[data-forgotten]").textContent = "已清除，本页不再暂存。";
  });
  if (!waiting) return;
  offer.querySelector("[data-when]").textContent = new Date(kept.at).toLocaleString("zh-CN", { dateStyle: "long", timeStyle: "short", timeZone: "Asia/Shanghai" });
  offer.querySelector("[data-length]").textContent = kept.text.length;
  offer.querySelector("[data-restore]").addEventListener("click", () => {
    area.value = whole();
    settle();
  });
  offer.querySelector("[data-discard]").addEventListener("click", settle);
  offer.hidden = false;
}

sweep();
for (const { dataset } of document.querySelectorAll("[data-received]")) write(PREFIX + dataset.received, "");
document.querySelectorAll("[data-keep]").forEach(attend);
