// What the page carries: prices and trades, unpacked, and how they are written. See agent/evaluation/page/prices.py.
"use strict";

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

class Prices {
  constructor(packed) {
    this.count = packed.count;
    this.folds = packed.folds;
    this.chosen = packed.chosen;
    this.endings = packed.endings;
    this.names = Object.entries(packed.patterns);
    this.scale = 10 ** -packed.digits;
    for (const name of ["time", "open", "high", "low", "close"]) this[name] = new Float64Array(packed.count);
    this.unpackBars(packed);
    this.models = packed.models.map((model) => this.unpackTrades(model));
    const [, most] = this.extremes(0, this.count);
    const digits = clamp(6 - Math.ceil(Math.log10(most * this.scale || 1)), 0, packed.digits);
    this.format = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  // Whole numbers, zigzag, seven bits a byte, lowest first.
  static reader(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    let at = 0;
    return () => {
      let value = 0, place = 1, byte;
      do { byte = bytes[at++]; value += (byte & 127) * place; place *= 128; } while (byte > 127);
      return value % 2 ? -(value + 1) / 2 : value / 2;
    };
  }

  unpackBars(packed) {
    const next = Prices.reader(packed.bars), jumps = new Map(packed.jumps);
    let last = 0, now = packed.start - packed.interval;
    for (let i = 0; i < this.count; i++) {
      now += packed.interval + (jumps.get(i) || 0);
      this.time[i] = now;
      const open = last + next(), close = open + next();
      this.open[i] = open;
      this.close[i] = last = close;
      this.high[i] = Math.max(open, close) + next();
      this.low[i] = Math.min(open, close) - next();
    }
  }

  unpackTrades(packed) {
    const next = Prices.reader(packed.trades), trades = [];
    let entered = 0;
    for (let i = 0; i < packed.count; i++) {
      entered += next();
      const trade = { entered, ended: entered + next(), side: next() ? 1 : -1, entry: this.open[entered] + next() };
      for (const name of ["exit", "profit", "stop"]) trade[name] = trade.entry + next();
      trade.ending = this.endings[next()];
      trade.result = next() / 10;
      trade.confidence = next();
      trade.patterns = next();
      trades.push(trade);
    }
    return trades;
  }

  // The lowest and the highest price of the bars from `first` up to and without `last`.
  extremes(first, last) {
    let least = Infinity, most = -Infinity;
    for (let i = first; i < last; i++) {
      if (this.low[i] < least) least = this.low[i];
      if (this.high[i] > most) most = this.high[i];
    }
    return [least, most];
  }

  // The first bar that starts at a time or after it.
  barAt(time) {
    let a = 0, b = this.count;
    while (a < b) {
      const middle = (a + b) >> 1;
      if (this.time[middle] < time) a = middle + 1; else b = middle;
    }
    return a;
  }

  money(units) { return this.format.format(units * this.scale); }

  patterns(mask) { return this.names.filter(([bit]) => Math.floor(mask / 2 ** bit) % 2).map(([, name]) => name).join(", "); }

  words(trade) {
    const sign = trade.result > 0 ? "+" : trade.result < 0 ? "\u2212" : "";
    return `${trade.side > 0 ? "long" : "short"} ${this.money(trade.entry)} \u2192 ${this.money(trade.exit)}, ${trade.ending}, ` +
      `${sign}${Math.abs(trade.result).toFixed(1)} bps, given ${(trade.confidence / 100).toFixed(1)} %`;
  }
}
