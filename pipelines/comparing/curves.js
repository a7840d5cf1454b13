// Bits and quality along the frames; a click shows the nearest frame that has a picture.
{
  const curves = data.curves, count = curves.frames.length;
  const [LEFT, RIGHT, TOP, BOTTOM] = [52, 10, 8, 22];
  const legend = document.getElementById("legend"), readout = document.getElementById("readout");
  const svgs = [...document.querySelectorAll("svg.curve")];
  let cursor = null, shown = 0;

  const make = (name, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const short = (value) => value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : `${value}`;

  function ticks(low, high, most) {
    const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((by) => by * power).find((value) => value >= raw);
    const found = [];
    for (let at = Math.ceil(low / step); at * step <= high; at++) found.push(Number((at * step).toPrecision(6)));
    return found;
  }
  function decades(low, high) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
      for (const by of high / low > 200 ? [1] : [1, 2, 5]) if (by * 10 ** power >= low && by * 10 ** power <= high) found.push(by * 10 ** power);
    return found;
  }

  function draw(svg) {
    const of = svg.dataset.of, log = of === "bits", width = svg.clientWidth, height = width < 500 ? 170 : 200;
    const values = curves.codings.flatMap((coding) => coding[of]).filter((value) => value !== null && (!log || value > 0));
    svg.replaceChildren();
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (!values.length) {
      svg.append(make("text", { x: LEFT, y: height / 2 }, log ? "not known" : "all frames are identical"));
      return;
    }
    let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    if (log) [low, high] = [low / 1.15, high * 1.15];
    else [low, high] = [low - 0.05 * (high - low) - 0.2, high + 0.05 * (high - low) + 0.2];
    const on = log ? Math.log : (value) => value;
    const x = (at) => LEFT + (width - LEFT - RIGHT) * (count > 1 ? at / (count - 1) : 0.5);
    const y = (value) => TOP + (height - TOP - BOTTOM) * (on(high) - on(value)) / (on(high) - on(low));
    for (const tick of log ? decades(low, high) : ticks(low, high, 4)) {
      svg.append(make("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }));
      svg.append(make("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, log ? short(tick) : `${tick}`));
    }
    for (const tick of ticks(0, Math.max(curves.frames[count - 1], 1), width < 500 ? 4 : 10).filter(Number.isInteger))
      if (tick <= curves.frames[count - 1]) svg.append(make("text", { x: x(tick / curves.step), y: height - 5, "text-anchor": "middle" }, tick ? `${tick}` : "frame 0"));
    for (const picture of data.pictures) {
      const at = x(picture.frame / curves.step);
      if (picture.frame === shown) svg.append(make("line", { class: "mark", x1: at, x2: at, y1: TOP, y2: height - BOTTOM }));
    }
    curves.codings.forEach((coding, number) => {
      let path = "", pen = "M";
      const dots = make("g", { fill: `var(--c${number})` });
      coding[of].forEach((value, at) => {
        if (value === null || (log && value <= 0)) { pen = "M"; return; }
        path += `${pen}${x(at).toFixed(1)},${y(value).toFixed(1)}`;
        pen = "L";
        const type = coding.types[at];
        if (type === "I") dots.append(make("circle", { cx: x(at), cy: y(value), r: 4 }));
        else if (count <= 120) dots.append(make("circle", { cx: x(at), cy: y(value), r: type === "B" ? 1.3 : 2.2 }));
      });
      svg.append(make("path", { d: path, stroke: `var(--c${number})` }), dots);
    });
    if (cursor !== null) svg.append(make("line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: TOP, y2: height - BOTTOM }));
  }
  const drawAll = () => svgs.forEach(draw);

  function point(at) {
    cursor = Math.min(Math.max(at, 0), count - 1);
    const told = curves.codings.map((coding, number) => {
      const dB = (value) => value === null ? "–" : value.toFixed(2);
      const bits = coding.bits[cursor] === null ? "–" : coding.bits[cursor].toLocaleString("en");
      return `${data.names[number + 1]} ${coding.types[cursor] || ""} ${bits} bits, luma ${dB(coding.luma[cursor])} dB, chroma ${dB(coding.chroma[cursor])} dB`;
    });
    const end = Math.min(curves.frames[cursor] + curves.step, curves.frames[count - 1] + 1) - 1;
    const name = curves.step > 1 ? `Frames ${curves.frames[cursor]} to ${end}` : `Frame ${curves.frames[cursor]}`;
    readout.textContent = `${name}, ${curves.seconds[cursor].toFixed(3)} s: ${told.join("; ")}`;
    drawAll();
  }
  function pick() {
    const away = data.pictures.map((picture) => Math.abs(picture.frame - curves.frames[cursor]));
    viewer.choose(away.indexOf(Math.min(...away)));
  }
  for (const svg of svgs) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      point(Math.round((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT) * (count - 1)));
    });
    svg.addEventListener("click", () => { if (cursor !== null) pick(); });
    svg.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (by) point((cursor ?? 0) + by);
      else if (event.key === "Enter" && cursor !== null) pick();
      else return;
      event.preventDefault();
    });
  }
  document.addEventListener("picture", (event) => { shown = event.detail; drawAll(); });
  curves.codings.forEach((_, number) => {
    const item = document.createElement("span"), key = document.createElement("span");
    key.className = "key";
    key.style.background = `var(--c${number})`;
    item.append(key, data.names[number + 1]);
    legend.append(item);
  });
  const types = curves.codings.map((coding) => coding.types).join("");
  legend.append(types.includes("I") ? "Large dots are I-frames." : "");
  if (curves.step > 1) legend.append(` Each point is of ${curves.step} frames.`);
  readout.textContent = "Point at a curve for its figures; click for the nearest frame that has a picture.";
  new ResizeObserver(drawAll).observe(document.getElementById("curves"));
  viewer.start();
}
