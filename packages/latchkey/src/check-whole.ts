/**
 * Returns an integer from `least` to `most`; throws a TypeError that names the option otherwise.
 */
export function checkWhole(name: string, value: number, least: number, most: number): number {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new TypeError(`${name} must be a whole number from ${least} to ${most}.`)
  }
  return value
}
