// The chart of the prices: what is in view, and how it is drawn.
"use strict";

const AXIS = 64, FOOT = 22, STRIP = 44, TOP = 10, GAP = 14;  // in pixels of the screen
const FEWEST = 12;   // bars in view
const MANY = 260;    // trades in view from which on each is but a speck

class Chart {
  constructor(canvas, prices) {
    Object.assign(this, { canvas, prices, from: 0, to: prices.count, picked: null, pointer: null });
    Object.assign(this, { width: 0, height: 0, queued: false, overview: null, drawn: () => {} });
    this.trades = prices.models[prices.chosen];
  }

  /* PLACES */

  get right() { return Math.max(40, this.width - AXIS); }
  get stripTop() { return this.height - STRIP; }
  get laneBottom() { return this.stripTop - FOOT - 6; }
  get laneTop() { return this.laneBottom - Math.round(this.height * 0.13); }
  get floor() { return this.laneTop - GAP; }
  get each() { return this.right / (this.to - this.from); }
  x(bar) { return (bar - this.from) * this.each; }
  bar(x) { return this.from + x / this.each; }
  get bars() { return [Math.max(0, Math.floor(this.from)), Math.min(this.prices.count, Math.ceil(this.to))]; }

  /* VIEW */

  view(a, b) {
    const count = this.prices.count, span = clamp(b - a, Math.min(FEWEST, count), count);
    this.from = clamp((a + b - span) / 2, 0, count - span);
    this.to = this.from + span;
    this.ask();
  }

  zoom(factor, around) { this.view(around - (around - this.from) * factor, around + (this.to - around) * factor); }

  pan(bars) {
    const by = clamp(bars, -this.from, this.prices.count - this.to);
    this.view(this.from + by, this.to + by);
  }

  ask() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => { this.queued = false; this.draw(); });
  }

  /* DRAWING */

  draw() {
    const ratio = window.devicePixelRatio || 1, { canvas } = this;
    const across = Math.round(this.width * ratio), down = Math.round(this.height * ratio);
    if (canvas.width !== across || canvas.height !== down) {
      Object.assign(canvas, { width: across, height: down });
      this.overview = null;
    }
    const style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ["paper", "ink", "quiet", "grid", "band", "gain", "loss", "model", "wash"];
    this.colour = Object.fromEntries(names.map((name) => [name, colour(name)]));
    this.pen = canvas.getContext("2d");
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, this.width, this.height);
    this.pen.font = `11px ${style.fontFamily}`;

    const shown = this.trades.filter((trade) => trade.ended + 1 >= this.from && trade.entered <= this.to);
    const y = this.priceScale(shown);
    this.drawAxes(y);
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(0, 0, this.right, this.floor + GAP / 2);
    this.pen.clip();
    if (shown.length <= MANY && this.each >= 1.2) shown.forEach((trade) => this.drawBarriers(trade, y));
    if (this.each >= 4) this.drawCandles(y); else this.drawBand(y);
    if (shown.length <= MANY) shown.forEach((trade) => this.drawTrade(trade, y));
    else this.drawSpecks(shown, y);
    this.pen.restore();
    this.drawLane(shown);
    this.drawStrip(ratio);
    this.drawPointer();
    this.drawn();
  }

  // From prices to pixels; by logarithm where prices multiply: the same move is then as tall in a cheap year.
  priceScale(shown) {
    let [least, most] = this.prices.extremes(...this.bars);
    if (shown.length <= 40)
      for (const trade of shown) {
        least = Math.min(least, trade.profit, trade.stop);
        most = Math.max(most, trade.profit, trade.stop);
      }
    const log = least > 0 && most / least > 2.5;
    const [bend, unbend] = log ? [Math.log, Math.exp] : [(value) => value, (value) => value];
    const room = (bend(most) - bend(least) || 1) * 0.06, a = bend(least) - room, b = bend(most) + room;
    const y = (units) => TOP + ((b - bend(units)) / (b - a)) * (this.floor - TOP);
    return Object.assign(y, { least: unbend(a), most: unbend(b), log });
  }

  drawAxes(y) {
    const { pen, prices, right, colour } = this, { scale, time } = prices;
    const [least, most] = [y.least * scale, y.most * scale];
    Object.assign(pen, { lineWidth: 1, textBaseline: "middle", textAlign: "left", strokeStyle: colour.grid, fillStyle: colour.quiet });
    for (const value of y.log ? logTicks(least, most) : valueTicks(least, most, Math.max(2, (this.floor - TOP) / 60))) {
      const at = Math.round(y(value / scale)) + 0.5;
      this.line(0, at, right, at);
      pen.fillText(prices.money(value / scale), right + 8, at);
    }
    Object.assign(pen, { textAlign: "center", textBaseline: "top" });
    const [first, last] = this.bars;
    for (const [when, label] of timeTicks(time[first], time[last - 1], Math.max(2, Math.floor(right / 110)))) {
      const at = Math.round(this.x(prices.barAt(when))) + 0.5;
      if (at < 24 || at > right - 24) continue;
      this.line(at, TOP, at, this.laneBottom);
      pen.fillText(label, at, this.laneBottom + 7);
    }
    pen.strokeStyle = colour.quiet;
    pen.setLineDash([2, 4]);
    for (const fold of prices.folds.slice(1))
      if (fold > this.from && fold < this.to) this.line(this.x(fold), TOP, this.x(fold), this.laneBottom);
    pen.setLineDash([]);
  }

  drawCandles(y) {
    const { pen, colour } = this, { open, high, low, close } = this.prices;
    const body = Math.max(1, Math.min(13, this.each * 0.66)), [first, last] = this.bars;
    for (let i = first; i < last; i++) {
      const x = this.x(i + 0.5), rising = close[i] >= open[i];
      pen.strokeStyle = rising ? colour.quiet : colour.ink;
      this.line(x, y(high[i]), x, y(low[i]));
      const top = y(Math.max(open[i], close[i])), tall = Math.max(1, y(Math.min(open[i], close[i])) - top);
      pen.fillStyle = rising ? colour.paper : colour.ink;
      pen.fillRect(x - body / 2, top, body, tall);
      if (rising) pen.strokeRect(x - body / 2, top, body, tall);
    }
  }

  drawBand(y) {
    this.pen.fillStyle = this.colour.band;
    for (let x = 0; x < this.right; x++) {
      const first = Math.max(0, Math.floor(this.bar(x))), last = Math.max(first + 1, Math.ceil(this.bar(x + 1)));
      const [least, most] = this.prices.extremes(first, Math.min(this.prices.count, last));
      if (most >= least) this.pen.fillRect(x, y(most), 1, Math.max(1, y(least) - y(most)));
    }
  }

  drawBarriers(trade, y) {
    const { pen, colour } = this, a = this.x(trade.entered), b = Math.max(a + 2, this.x(trade.ended + 1));
    const entry = y(trade.entry);
    for (const [level, shade] of [[y(trade.profit), colour.gain], [y(trade.stop), colour.loss]]) {
      Object.assign(pen, { fillStyle: shade, strokeStyle: shade, globalAlpha: trade === this.picked ? 0.3 : 0.14, lineWidth: 1.5 });
      pen.fillRect(a, Math.min(entry, level), b - a, Math.abs(level - entry));
      pen.globalAlpha = 1;
      this.line(a, level, b, level);
    }
    pen.lineWidth = 1;
  }

  // An entry, pointing with its side, and the way to the exit.
  drawTrade(trade, y) {
    const { pen } = this, mid = this.each >= 4 ? 0.5 : 0, chosen = trade === this.picked;
    const x = this.x(trade.entered + mid), end = this.x(trade.ended + mid), entry = y(trade.entry);
    const size = chosen ? 7 : this.each >= 4 ? 5.5 : this.each >= 1 ? 4 : 3;
    pen.fillStyle = pen.strokeStyle = this.shade(trade.result);
    pen.lineWidth = chosen ? 2.5 : 1.25;
    this.line(x, entry, end, y(trade.exit));
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, entry);
    pen.lineTo(x - size, entry + trade.side * size * 1.6);
    pen.lineTo(x + size, entry + trade.side * size * 1.6);
    pen.closePath();
    pen.fill();
    if (this.each < 1) return;
    pen.strokeStyle = this.colour.paper;
    pen.stroke();
    pen.beginPath();
    pen.arc(end, y(trade.exit), size / 2, 0, 7);
    pen.fill();
  }

  drawSpecks(shown, y) {
    this.pen.globalAlpha = 0.55;
    for (const trade of shown) {
      this.pen.fillStyle = this.shade(trade.result);
      this.pen.fillRect(this.x(trade.entered) - 1, y(trade.entry) - 1, 2, 2);
    }
    this.pen.globalAlpha = 1;
  }

  // What the trades that ended in each few pixels came to.
  drawLane(shown) {
    const { pen } = this, middle = (this.laneTop + this.laneBottom) / 2, reach = (this.laneBottom - this.laneTop) / 2;
    const step = shown.length > 150 ? 4 : 3, sums = new Map();
    for (const trade of shown) {
      const at = Math.floor(this.x(trade.ended + 0.5) / step);
      if (at >= 0 && at * step < this.right) sums.set(at, (sums.get(at) || 0) + trade.result);
    }
    const largest = Math.max(1, ...[...sums.values()].map(Math.abs));
    Object.assign(pen, { strokeStyle: this.colour.quiet, globalAlpha: 0.5 });
    this.line(0, Math.round(middle) + 0.5, this.right, Math.round(middle) + 0.5);
    pen.globalAlpha = 1;
    for (const [at, sum] of sums) {
      const tall = Math.max(1, (Math.abs(sum) / largest) * reach);
      pen.fillStyle = this.shade(sum);
      pen.fillRect(at * step, sum > 0 ? middle - tall : middle, step - 1, tall);
    }
    Object.assign(pen, { fillStyle: this.colour.quiet, textAlign: "left", textBaseline: "middle" });
    pen.fillText(`\u00b1${(largest / 100).toFixed(1)} %`, this.right + 8, middle);
  }

  // All prices, small, and which part of them is in view.
  drawStrip(ratio) {
    const { pen, right, colour, stripTop: top } = this, count = this.prices.count;
    this.overview ||= this.wholeSeries(ratio);
    pen.fillStyle = colour.wash;
    pen.fillRect(0, top, right, STRIP);
    pen.drawImage(this.overview, 0, top, right, STRIP);
    const a = (this.from / count) * right, b = Math.max(a + 3, (this.to / count) * right);
    Object.assign(pen, { globalAlpha: 0.16, fillStyle: colour.model, strokeStyle: colour.model });
    pen.fillRect(a, top, b - a, STRIP);
    pen.globalAlpha = 1;
    pen.strokeRect(a + 0.5, top + 0.5, b - a - 1, STRIP - 1);
  }

  wholeSeries(ratio) {
    const made = document.createElement("canvas"), { right, prices } = this, count = prices.count;
    Object.assign(made, { width: Math.max(1, Math.round(right * ratio)), height: Math.round(STRIP * ratio) });
    const pen = made.getContext("2d"), [least, most] = prices.extremes(0, count);
    const bend = least > 0 ? Math.log : (value) => value, extent = bend(most) - bend(least) || 1;
    const y = (units) => 3 + ((bend(most) - bend(units)) / extent) * (STRIP - 6);
    pen.scale(ratio, ratio);
    pen.fillStyle = this.colour.band;
    for (let x = 0; x < right; x++) {
      const first = Math.min(count - 1, Math.floor((x / right) * count));
      const [low, high] = prices.extremes(first, Math.min(count, Math.max(first + 1, Math.floor(((x + 1) / right) * count))));
      pen.fillRect(x, y(high), 1, Math.max(1, y(low) - y(high)));
    }
    return made;
  }

  // The bar under the pointer, or -1.
  get pointed() {
    const { pointer } = this;
    if (!pointer || pointer.x > this.right || pointer.y > this.laneBottom) return -1;
    return clamp(Math.floor(this.bar(pointer.x)), 0, this.prices.count - 1);
  }

  drawPointer() {
    if (this.pointed < 0) return;
    const x = this.x(this.pointed + 0.5);
    this.pen.strokeStyle = this.colour.quiet;
    this.pen.setLineDash([3, 3]);
    this.line(x, TOP, x, this.laneBottom);
    this.pen.setLineDash([]);
  }

  shade(result) { return result > 0 ? this.colour.gain : this.colour.loss; }

  line(x1, y1, x2, y2) {
    this.pen.beginPath();
    this.pen.moveTo(x1, y1);
    this.pen.lineTo(x2, y2);
    this.pen.stroke();
  }
}
