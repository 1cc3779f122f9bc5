// Heat maps: blue above zero, orange below, white at zero; the line where the output is zero.
const PLUS = [28, 111, 181], MINUS = [210, 105, 30], ZERO = [250, 250, 248];

/** The colour of a number from -1 to 1, as red, green and blue. */
export function colour(x) {
  const end = x > 0 ? PLUS : MINUS, share = Math.min(Math.abs(x), 1);
  return ZERO.map((zero, k) => Math.round(zero + share * (end[k] - zero)));
}

export function css(x) {
  return `rgb(${colour(x).join(" ")})`;
}

/** A number of the map between its grid points, by bilinear interpolation. */
function between(map, grid, x, y) {
  const [column, row] = [Math.min(Math.floor(x), grid - 2), Math.min(Math.floor(y), grid - 2)];
  const [dx, dy] = [x - column, y - row];
  const at = row * grid + column;
  return (map[at] * (1 - dx) + map[at + 1] * dx) * (1 - dy) +
    (map[at + grid] * (1 - dx) + map[at + grid + 1] * dx) * dy;
}

/** The output over the plane, with its boundary. */
export function drawPlane(canvas, map, grid) {
  const context = canvas.getContext("2d"), { width, height } = canvas;
  const image = context.createImageData(width, height), values = new Float64Array(width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      values[row * width + column] = between(map, grid, (column / (width - 1)) * (grid - 1), (row / (height - 1)) * (grid - 1));
  for (let k = 0; k < values.length; k++) {
    const z = values[k], column = k % width;
    // where the sign changes to the right or below
    const edge = (column + 1 < width && z > 0 !== values[k + 1] > 0) ||
      (k + width < values.length && z > 0 !== values[k + width] > 0);
    const [r, g, b] = edge ? [20, 24, 28] : colour(0.12 * Math.sign(z) + 0.5 * Math.tanh(z));
    image.data.set([r, g, b, 255], 4 * k);
  }
  context.putImageData(image, 0, 0);
}

/** The output of one unit, one pixel for each number; the largest has the full colour. */
export function drawTile(canvas, map, grid, middle = 0) {
  canvas.width = canvas.height = grid;
  const context = canvas.getContext("2d"), image = context.createImageData(grid, grid);
  const size = Math.max(...map.map((x) => Math.abs(x - middle)), 1e-12);
  map.forEach((x, k) => image.data.set([...colour((x - middle) / size), 255], 4 * k));
  context.putImageData(image, 0, 0);
}
