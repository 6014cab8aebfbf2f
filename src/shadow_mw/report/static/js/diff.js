// What changed from one text to another, by Myers' O(ND) algorithm (1986), greedy from the front.

const MOST_EDITS = 300;
const MOST_TOKENS = 6000;

// [kind, text] with kind "same", "del" or "ins"; in between two texts with little in common,
// all of one and all of the other.
function diffParts(before, after, byWord = false) {
  if (before === after) return before ? [["same", before]] : [];
  const split = text => (byWord ? text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [] : Array.from(text));
  const a = split(before), b = split(after);
  let start = 0, end = 0;
  const least = Math.min(a.length, b.length);
  while (start < least && a[start] === b[start]) start++;
  while (end < least - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const middle = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return joined([["same", a.slice(0, start).join("")], ...edits(...middle), ["same", a.slice(a.length - end).join("")]]);
}

function edits(a, b) {
  const whole = [["del", a.join("")], ["ins", b.join("")]];
  if (!a.length || !b.length || a.length + b.length > MOST_TOKENS) return whole;
  const reach = { 1: 0 }, trace = [];
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_EDITS); d++) {
    trace.push({ ...reach });
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && reach[k - 1] < reach[k + 1]) ? reach[k + 1] : reach[k - 1] + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[k] = x;
      if (x >= a.length && x - k >= b.length) {
        const found = wayBack(trace, a, b);
        // Letters that two strange values happen to share explain nothing.
        const shared = found.filter(([kind]) => kind === "same").length;
        return 3 * shared < Math.max(a.length, b.length) ? whole : found;
      }
    }
  }
  return whole;
}

function wayBack(trace, a, b) {
  const parts = [];
  let x = a.length, y = b.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const reach = trace[d], k = x - y;
    const from = k === -d || (k !== d && reach[k - 1] < reach[k + 1]) ? k + 1 : k - 1;
    const startX = reach[from], startY = startX - from;
    for (; x > startX && y > startY && x > 0; y--) parts.push(["same", a[--x]]);
    if (d) parts.push(x === startX ? ["ins", b[y - 1]] : ["del", a[x - 1]]);
    [x, y] = [startX, startY];
  }
  return parts.reverse();
}

function joined(parts) {
  const found = [];
  for (const [kind, text] of parts) {
    if (!text) continue;
    if (found.at(-1)?.[0] === kind) found.at(-1)[1] += text;
    else found.push([kind, text]);
  }
  return found;
}

// The texts as elements: <ins> and <del> say the same to those who do not see colours.
function diffNodes(before, after, byWord = false) {
  return diffParts(before, after, byWord).map(([kind, text]) =>
    kind === "same" ? visible(text) : h(kind, null, visible(text)));
}
