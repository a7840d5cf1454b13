// Two pictures of a frame over each other, with a divider between them.
const viewer = (() => {
  const byId = (id) => document.getElementById(id);
  const stage = byId("stage"), wipe = byId("wipe"), zoom = byId("zoom");
  const sides = ["left", "right"].map((name) => ({
    select: byId(name), layer: byId(`${name}-layer`), label: byId(`${name}-name`),
    image: byId(`${name}-layer`).querySelector("img"), missing: byId(`${name}-layer`).querySelector(".missing"),
  }));
  const state = { picture: 0, x: 0, y: 0, alone: false }; // x, y: the picture's point in the middle, 0..1

  const zooms = [...zoom.options].map((option) => Number(option.value));
  const size = () => [sides[0].image, sides[1].image].map((image) => [image.naturalWidth, image.naturalHeight]).find(([width]) => width) || [16, 9];
  const fit = () => Math.min(stage.clientWidth / size()[0], stage.clientHeight / size()[1], 1);
  const scale = () => Number(zoom.value) || fit();
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function place() {
    const [width, height] = size(), by = scale();
    const highest = Math.max(240, Math.round(window.innerHeight * 0.72));
    stage.style.height = `${Math.round(Math.min(highest, Math.max(160, stage.clientWidth * height / width), Math.max(height, 320)))}px`;
    const room = [stage.clientWidth, stage.clientHeight];
    const at = [["x", width], ["y", height]].map(([axis, side], which) => {
      const half = Math.min(room[which] / (2 * by * side), 0.5);
      state[axis] = clamp(state[axis], half, 1 - half);
      return room[which] / 2 - state[axis] * side * by;
    });
    for (const { image, layer } of sides) {
      image.style.transform = `translate(${Math.round(at[0])}px, ${Math.round(at[1])}px) scale(${by})`;
      layer.classList.toggle("sharp", by >= 1);
    }
    stage.classList.toggle("zoomed", width * by > room[0] + 1 || height * by > room[1] + 1);
    const cut = state.alone ? room[0] : room[0] * wipe.value / 1000;
    sides[1].layer.style.clipPath = `inset(0 0 0 ${cut}px)`;
    byId("divider").style.left = `${cut}px`;
    byId("divider").hidden = state.alone;
  }

  function show() {
    const picture = data.pictures[state.picture];
    for (const { select, image, missing, label } of sides) {
      const number = Number(select.value), uri = picture.images[number];
      missing.hidden = uri !== null;
      image.hidden = uri === null;
      if (uri !== null) image.src = uri;
      image.alt = `frame ${picture.frame} of ${data.names[number]}`;
      label.replaceChildren(Object.assign(document.createElement("b"), { textContent: number ? data.names[number] : `${data.names[0]} (source)` }), picture.labels[number]);
    }
    [...byId("frames").children].forEach((button, number) => button.setAttribute("aria-pressed", number === state.picture));
    const why = picture.reasons.length ? ` (${picture.reasons.join(", ")})` : "";
    byId("caption").textContent = `Frame ${picture.frame} at ${picture.seconds.toFixed(3)} s${why}.${picture.part ? ` ${picture.part[0].toUpperCase()}${picture.part.slice(1)}.` : ""}`;
    document.dispatchEvent(new CustomEvent("picture", { detail: picture.frame }));
    place();
  }

  function choose(number) {
    state.picture = (number + data.pictures.length) % data.pictures.length;
    show();
  }
  function zoomBy(steps) {
    const now = zooms.indexOf(Number(zoom.value));
    const first = Number(zoom.value) === 0 && steps > 0 ? zooms.findIndex((value) => value > fit()) : now + steps;
    zoom.value = zooms[clamp(first, 0, zooms.length - 1)];
    place();
  }
  function swap() {
    [sides[0].select.value, sides[1].select.value] = [sides[1].select.value, sides[0].select.value];
    show();
  }
  function move(x, y) { // CSS pixels
    const [width, height] = size(), by = scale();
    state.x -= x / (width * by);
    state.y -= y / (height * by);
    place();
  }
  function setWipe(value) {
    wipe.value = clamp(value, 0, 1000);
    place();
  }

  const keys = {
    "+": () => zoomBy(1), "=": () => zoomBy(1), "-": () => zoomBy(-1),
    "0": () => { zoom.value = 0; place(); }, x: swap, n: () => choose(state.picture + 1), p: () => choose(state.picture - 1),
    " ": () => { state.alone = true; place(); },
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = arrows[event.key];
    if (arrow && event.shiftKey) move(-40 * arrow[0], -40 * arrow[1]);
    else if (arrow && arrow[0]) setWipe(Number(wipe.value) + 20 * arrow[0]);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
  const together = () => { if (state.alone) { state.alone = false; place(); } };
  stage.addEventListener("keyup", (event) => { if (event.key === " ") together(); });
  stage.addEventListener("blur", together);
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    const onDivider = event.target.id === "divider" || !stage.classList.contains("zoomed");
    drag = { onDivider, x: event.clientX, y: event.clientY };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (drag.onDivider) setWipe(1000 * (event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth);
    else move(event.clientX - drag.x, event.clientY - drag.y);
    [drag.x, drag.y] = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { drag = null; });

  data.names.forEach((name, number) => sides.forEach(({ select }) => select.add(new Option(number ? name : `${name} (source)`, number))));
  data.pictures.forEach((picture, number) => {
    const button = document.createElement("button");
    button.textContent = picture.reasons.length ? `${picture.frame}: ${picture.reasons.join(", ")}` : `frame ${picture.frame}`;
    button.addEventListener("click", () => choose(number));
    byId("frames").append(button);
  });
  sides[0].select.value = 0;
  sides[1].select.value = 1;
  for (const { select, image } of sides) {
    select.addEventListener("change", show);
    image.addEventListener("load", place);
  }
  byId("swap").addEventListener("click", swap);
  zoom.addEventListener("change", place);
  wipe.addEventListener("input", place);
  new ResizeObserver(place).observe(stage);
  window.addEventListener("resize", place);
  [state.x, state.y] = [0.5, 0.5];
  return { start: () => choose(0), choose, state };
})();
