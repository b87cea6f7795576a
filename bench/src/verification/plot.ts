import { isContender, type Section } from './report.js'

const width = 760
const labelWidth = 230
const barHeight = 20
const titleHeight = 34

/** Returns a bar chart (SVG) of each contender's time as a multiple of Latchkey's, logarithmic. */
export function plot(sections: readonly Section[]): string {
  const shown = sections.map(({ title, rows }) => ({
    title,
    rows: rows.filter(({ name }) => isContender(name)),
  }))
  const most = Math.max(...shown.flatMap(({ rows }) => rows.map(({ ratio }) => ratio)))
  const lengthOf = (ratio: number) =>
    4 + (Math.log10(Math.max(1, ratio)) / Math.log10(most)) * (width - labelWidth - 90)
  let y = 0
  const parts = shown.flatMap(({ title, rows }) => {
    y += titleHeight
    const heading = `<text x="0" y="${y - 10}" font-weight="bold">${title}</text>`
    const bars = rows.map(({ name, ratio, revocable }) => {
      y += barHeight
      const colour = name === 'Latchkey' ? '#1a7f5a' : revocable ? '#8a94a6' : '#d0b58a'
      const length = lengthOf(ratio).toFixed(1)
      return (
        `<text x="${labelWidth - 8}" y="${y - 5}" text-anchor="end">${name}</text>` +
        `<rect x="${labelWidth}" y="${y - barHeight + 2}" width="${length}" height="${barHeight - 5}" fill="${colour}"/>` +
        `<text x="${labelWidth + Number(length) + 6}" y="${y - 5}">${ratio.toFixed(ratio < 10 ? 1 : 0)} ×</text>`
      )
    })
    return [heading, ...bars]
  })
  const height = y + 26
  const note = `<text x="0" y="${height - 6}" fill="#666">Time as a multiple of Latchkey’s, logarithmic. Light: cannot refuse a revoked key.</text>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    '<title>Time of each contender as a multiple of Latchkey’s</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...parts,
    note,
    '</svg>',
    '',
  ].join('\n')
}
