// Lists the defects of the pages in the frames as `frame: complaint` lines in #found.
"use strict";

const found = [];

// Whether a colour as the browser gives it is light.
function light(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 127;
}

function measure(frame) {
  const page = frame.contentDocument, say = (what) => found.push(`${frame.id}: ${what}`);
  const style = (node) => frame.contentWindow.getComputedStyle(node);
  page.querySelectorAll("details").forEach((details) => (details.open = true));
  const root = page.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    say(`the page is ${root.scrollWidth} wide, wider than ${root.clientWidth}`);
  }
  for (const node of page.querySelectorAll("h1,h2,h3,p,li,figcaption,summary,a")) {
    const box = node.getBoundingClientRect();
    if (box.right > root.clientWidth + 1) say(`cut off: ${node.textContent.slice(0, 40)}`);
  }
  if (frame.id !== "broken" && light(style(page.body).backgroundColor) === dark) {
    say("the ground has the wrong theme");
  }
  for (const svg of page.querySelectorAll("svg")) plot(svg, say, style);
}

function plot(svg, say, style) {
  const name = svg.querySelector("title").textContent, outer = svg.getBoundingClientRect();
  const inside = (box) =>
    box.left >= outer.left - 1 && box.right <= outer.right + 1 &&
    box.top >= outer.top - 1 && box.bottom <= outer.bottom + 1;
  if (outer.width < 150 || outer.height < 80) say(`${name}: only ${outer.width} by ${outer.height}`);
  const marks = [...svg.querySelectorAll("circle,rect,polygon,polyline")].map((node) =>
    node.getBoundingClientRect());
  if (!marks.some((box) => box.width > 0 || box.height > 0)) say(`${name}: no mark`);
  if (!marks.every(inside)) say(`${name}: a mark outside`);
  const texts = [...svg.querySelectorAll("text")].map((node) => {
    if (light(style(node).fill) !== dark) say(`${name}: text of the wrong theme`);
    return { box: node.getBoundingClientRect(), text: node.textContent.trim() };
  });
  texts.forEach(({ box, text }, index) => {
    if (!text || box.width === 0) say(`${name}: an empty text`);
    if (!inside(box)) say(`${name}: outside: ${text}`);
    for (const other of texts.slice(index + 1)) {
      const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (wide > 0.5 && high > 2) say(`${name}: overlap of ${text} and ${other.text}`);
    }
  });
}

window.onload = () => {
  const frames = [...document.querySelectorAll("iframe")];
  frames.forEach(measure);
  found.push(`measured ${frames.map((frame) => frame.id).join(" ")}`);
  document.getElementById("found").textContent = found.join("\n");
};
