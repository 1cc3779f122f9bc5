// The phases of one step: forward layer by layer, the loss, backward layer by layer, the update.

/**
 * @returns a list of phases, each with its `text`, its `kind`, and how far numbers are shown:
 *   activations up to the layer `forward`, gradients from the layer `backward` on
 */
export function phasesOf({ sizes, chosen, loss }, { activation, loss: name, rate }) {
  const last = sizes.length - 1, nothing = last + 1;
  const phases = [];
  for (let layer = 1; layer <= last; layer++) {
    const what = layer === last || activation === "linear" ? "" : `, and takes ${activation} of it`;
    phases.push({
      kind: "forward", forward: layer, backward: nothing,
      text: `Forward, ${nameOf(layer, last)}: each unit adds up its inputs times its weights and its bias${what}.`,
    });
  }
  phases.push({
    kind: "forward", forward: last, backward: nothing,
    text: `The loss: the output is ${number(chosen.a.at(-1)[0])}, the class ${chosen.point[2] > 0 ? "+1" : "−1"}; ` +
      `the ${name} over what it learns from is ${number(loss)}.`,
  });
  for (let layer = last; layer >= 1; layer--)
    phases.push({
      kind: "backward", forward: last, backward: layer,
      text: `Backward, ${nameOf(layer, last)}: ` + (layer === last
        ? "δ is the derivative of the loss by the output."
        : `the δ of each unit is the sum of the δ behind it times the weights between, times the slope of ${activation}.`) +
        " A weight's gradient is δ times what came in.",
    });
  phases.push({
    kind: "backward", forward: last, backward: 1,
    text: `Update: next, every weight moves against its gradient, ${number(rate)} times as far.`,
  });
  return phases;
}

function nameOf(layer, last) {
  return layer === last ? "the output" : `layer ${layer}`;
}

function number(x) {
  return x === null ? "no number" : String(Number(x.toPrecision(4)));
}
