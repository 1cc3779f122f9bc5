// Pictures as files.

/** Offer a file for download. */
export function saved(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The SVG picture, if it holds nothing but shapes and texts: a file may be opened by itself later. */
export function harmless(svg) {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  for (const element of [root, ...root.querySelectorAll("*")]) {
    const known = ["svg", "g", "path", "polygon", "text"].includes(element.localName);
    if (!known || [...element.attributes].some(({ name }) => /^on|href/i.test(name)))
      throw new Error("this is not a picture that the library has drawn");
  }
  return svg;
}

/** An SVG picture in pixels, at twice its size. */
export async function toPng(svg) {
  const document_ = new DOMParser().parseFromString(svg, "image/svg+xml");
  const root = document_.documentElement;
  const [, , width, height] = root.getAttribute("viewBox").split(" ").map(Number);
  // Firefox draws only pictures whose size is stated
  root.setAttribute("width", width);
  root.setAttribute("height", height);
  const image = new Image(width, height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(root))}`;
  await image.decode();
  // Browsers have a largest canvas, of about this many pixels
  const scale = Math.min(2, 8000 / Math.max(width, height));
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.ceil(width * scale), height: Math.ceil(height * scale),
  });
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))), "image/png");
  });
}
