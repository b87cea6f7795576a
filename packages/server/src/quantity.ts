/** Returns a number with its unit, grouped by thousands; bytes as kB, MB or GB. */
export function quantity(count: number, unit: string): string {
  if (unit !== 'bytes') return `${count.toLocaleString('en')} ${count === 1 ? unit.replace(/s$/, '') : unit}`
  const [divisor, name] = count < 1e6 ? [1e3, 'kB'] : count < 1e9 ? [1e6, 'MB'] : [1e9, 'GB']
  return `${(count / divisor).toFixed(1)} ${name}`
}
