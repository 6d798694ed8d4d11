// Times in the visitor's zone, and how long ago they were. Without scripts they stay in UTC.
(() => {
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
  const unbroken = (format, date) => format.format(date).replaceAll(" ", "\u00a0");
  const forms = {
    moment: (date) => `${unbroken(day, date)}, ${unbroken(hour, date)}`,
    day: (date) => unbroken(day, date),
    hour: (date) => unbroken(hour, date),
  };
  // The same units as in times.py.
  const units = { year: 31556952, month: 2629746, day: 86400, hour: 3600, minute: 60 };

  const inWords = (seconds) => {
    for (const [unit, length] of Object.entries(units)) {
      const count = Math.floor(Math.abs(seconds) / length);
      if (count) {
        const size = `${count} ${unit}${count > 1 ? "s" : ""}`;
        return seconds > 0 ? `in ${size}` : `${size} ago`;
      }
    }
    return seconds > 0 ? "in less than a minute" : "just now";
  };

  // The server says how far away a moment is; from then on this counts. So a wrong clock is no harm.
  const firstSeen = new WeakMap();

  const show = () => {
    for (const time of document.querySelectorAll("time[data-time]:not([title])")) {
      const date = new Date(time.dateTime);
      time.textContent = forms[time.dataset.time](date);
      time.title = full.format(date);
    }
    const now = performance.now();
    for (const span of document.querySelectorAll("[data-in]")) {
      if (!firstSeen.has(span)) firstSeen.set(span, now);
      const left = span.dataset.in - (now - firstSeen.get(span)) / 1000;
      // A moment that was to come has come: what happens then, the next page shows.
      const text = inWords(span.dataset.in > 0 ? Math.max(left, 1) : left);
      if (span.textContent !== text) span.textContent = text;
    }
  };

  show();
  setInterval(show, 15000);
  document.addEventListener("visibilitychange", show);
  document.addEventListener("htmx:afterSwap", show);
})();
