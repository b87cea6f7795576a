/** Gives the number back if it is a whole one from `least` to `most`; else throws a TypeError that names the option. */
export function checkWhole(name: string, value: number, least: number, most: number): number {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new TypeError(`${name} is a whole number from ${least} to ${most}.`)
  }
  return value
}
