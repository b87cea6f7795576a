/** Returns the lowest version of each alternative: `^4.19.0 || ^5.0.0` has 4.19.0 and 5.0.0. */
export function lowestVersions(range) {
  return range.split('||').map((alternative) => alternative.trim().replace(/^(?:\^|~|>=)/, ''))
}
