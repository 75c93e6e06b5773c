// Round places on the axes of the prices.
"use strict";

const DAY = 86400;

function valueTicks(least, most, about) {
  const rough = (most - least) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough * (1 - 1e-9));
  const found = [];
  for (let n = Math.ceil(least / step); n * step <= most; n++) found.push(n * step);
  return found;
}

function logTicks(least, most) {
  const found = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power <= most; power++)
    for (const digit of [1, 2, 5]) found.push(digit * 10 ** power);
  const within = found.filter((value) => value >= least && value <= most);
  return within.length > 2 ? within : valueTicks(least, most, 5);
}

// Pairs of a unix time and what is written there.
function timeTicks(first, last, about) {
  const rough = Math.max(1, last - first) / about, found = [];
  const size = [60, 300, 900, 3600, 10800, 21600, 43200, DAY, 2 * DAY, 7 * DAY, 14 * DAY].find((each) => each >= rough);
  if (size) {
    for (let time = Math.ceil(first / size) * size; time <= last; time += size)
      found.push([time, time % DAY ? moment(time).slice(11) : day(time).slice(5)]);
    return found;
  }
  const months = [1, 2, 3, 6, 12, 24, 60, 120].find((each) => each * 30 * DAY >= rough) || 120;
  const begin = new Date(first * 1000);
  for (let at = Math.floor((begin.getUTCFullYear() * 12 + begin.getUTCMonth()) / months) * months; ; at += months) {
    const time = Date.UTC(Math.floor(at / 12), at % 12, 1) / 1000;
    if (time > last) return found;
    if (time >= first) found.push([time, day(time).slice(0, months < 12 ? 7 : 4)]);
  }
}
