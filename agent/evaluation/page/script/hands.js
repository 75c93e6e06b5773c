// Everything a person can do with the prices: buttons, keys, wheel, mouse and fingers.
"use strict";

function handle(box, prices) {
  const canvas = box.querySelector("canvas"), tip = box.querySelector(".tip");
  const told = box.querySelector("output"), select = box.querySelector("select");
  const chart = new Chart(canvas, prices);
  chart.drawn = () => { showTip(); document.documentElement.dataset.prices = "drawn"; };

  /* VERBS */

  const middle = () => (chart.from + chart.to) / 2, span = () => chart.to - chart.from;

  function pick(at) {
    if (!chart.trades.length) { told.textContent = "There is no trade."; return; }
    const place = clamp(at, 0, chart.trades.length - 1), trade = (chart.picked = chart.trades[place]);
    const room = Math.max(36, (trade.ended + 1 - trade.entered) * 2);
    chart.view(trade.entered - room, trade.ended + 1 + room);
    const [number, of] = [place + 1, chart.trades.length].map((count) => count.toLocaleString("en"));
    told.textContent = `Trade ${number} of ${of}: ${moment(prices.time[trade.entered])}, ${prices.words(trade)}, ` +
      prices.patterns(trade.patterns);
  }

  function beside(step) {
    if (chart.picked) return chart.trades.indexOf(chart.picked) + step;
    const at = chart.trades.findIndex((trade) => trade.entered >= chart.from);
    return at < 0 ? chart.trades.length - 1 : at;
  }

  function forget() { chart.picked = null; told.textContent = ""; chart.ask(); }

  const verbs = {
    all: () => { forget(); chart.view(0, prices.count); },
    in: () => chart.zoom(0.5, middle()),
    out: () => chart.zoom(2, middle()),
    left: () => chart.pan(-span() / 4),
    right: () => chart.pan(span() / 4),
    previous: () => pick(beside(-1)),
    next: () => pick(beside(1)),
  };
  const keys = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", n: "next", p: "previous", 0: "all" };

  for (const button of box.querySelectorAll("button[data-do]"))
    button.addEventListener("click", () => verbs[button.dataset.do]());
  select?.addEventListener("change", () => { chart.trades = prices.models[Number(select.value)]; forget(); });
  canvas.addEventListener("keydown", (event) => {
    const verb = !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key];
    if (!verb) return;
    event.preventDefault();
    verbs[verb]();
  });

  /* WHEEL */

  canvas.addEventListener("wheel", (event) => {
    const across = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!across && !event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;  // the page scrolls
    event.preventDefault();
    if (across) chart.pan(event.deltaX / chart.each);
    else chart.zoom(Math.exp(clamp(event.deltaY, -120, 120) * 0.004), chart.bar(event.offsetX));
  }, { passive: false });

  /* MOUSE AND FINGERS */

  const down = new Map();             // those that are down, and where each was last
  let onStrip = false;

  function place(event) {
    const frame = canvas.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  }

  function centre(x) {
    const at = (x / chart.right) * prices.count, half = span() / 2;
    chart.view(at - half, at + half);
  }

  function drag(event, last, at) {
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const was = Math.abs(last.x - other.x), is = Math.abs(at.x - other.x);
      if (was > 8 && is > 8) chart.zoom(was / is, chart.bar((at.x + other.x) / 2));
    } else if (onStrip) centre(at.x);
    else chart.pan((last.x - at.x) / chart.each);
  }

  canvas.addEventListener("pointerdown", (event) => {
    const at = place(event);
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at);
    onStrip = at.y >= chart.stripTop;
    if (onStrip) centre(at.x);
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event), last = down.get(event.pointerId);
    chart.pointer = at;
    if (last) {
      drag(event, last, at);
      down.set(event.pointerId, at);
    }
    chart.ask();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => { chart.pointer = null; chart.ask(); });
  canvas.addEventListener("dblclick", (event) => chart.zoom(0.4, chart.bar(place(event).x)));

  /* TIP */

  function showTip() {
    const bar = chart.pointed;
    tip.hidden = bar < 0;
    if (bar < 0) return;
    const [open, high, low, close] = ["open", "high", "low", "close"].map((name) => prices.money(prices[name][bar]));
    tip.replaceChildren(row(`${moment(prices.time[bar])} UTC`, "when"), row(`open ${open}  high ${high}  low ${low}  close ${close}`));
    const reach = Math.max(0.5, 3 / chart.each);
    const near = chart.trades.filter((trade) => trade.entered <= bar + reach && trade.ended >= bar - reach);
    for (const trade of near.slice(0, 3))
      tip.append(row(prices.words(trade), trade.result > 0 ? "gain" : "loss"), row(prices.patterns(trade.patterns)));
    const { x, y } = chart.pointer, wide = tip.offsetWidth;
    const left = x + 16 + wide <= chart.width ? x + 16 : Math.max(0, x - wide - 16);
    tip.style.transform = `translate(${left}px, ${clamp(y - 20, 0, chart.height)}px)`;
  }

  function row(text, look = "") {
    const made = document.createElement("div");
    made.textContent = text;
    made.className = look;
    return made;
  }

  /* LIFE */

  function measure() {
    const frame = canvas.getBoundingClientRect();
    if (!frame.width) return;
    Object.assign(chart, { width: frame.width, height: frame.height });
    chart.ask();
  }

  document.documentElement.classList.add("alive");
  new ResizeObserver(measure).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { chart.overview = null; chart.ask(); });
  measure();
}

handle(document.getElementById("prices"), new Prices(JSON.parse(document.getElementById("prices-data").textContent)));

// On paper nothing can be opened.
addEventListener("beforeprint", () => { for (const folded of document.querySelectorAll("details")) folded.open = true; });
