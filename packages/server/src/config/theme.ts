import { contrastOf, isHexColor } from './color-contrast.js'

/** The colors of one color scheme, by the names of their CSS variables. */
export type ThemeColors = Readonly<Record<ColorName, string>>

/** The names of the colors. */
export type ColorName = (typeof colorNames)[number]

/** The look of the pages. */
export interface Theme {
  /** The name of the service. */
  readonly name: string
  /** The path of an image file; `undefined`: no logo. */
  readonly logo: string | undefined
  readonly light: ThemeColors
  readonly dark: ThemeColors
  /** URLs of pages of the operator. */
  readonly links: { readonly terms?: string; readonly privacy?: string }
}

const colorNames = ['background', 'surface', 'text', 'muted', 'line', 'accent', 'on-accent', 'danger'] as const

/** The theme without a setting. */
export const defaultTheme: Theme = {
  name: 'Latchkey',
  logo: undefined,
  light: {
    background: '#f4f5f7',
    surface: '#ffffff',
    text: '#1c2128',
    muted: '#566070',
    line: '#7a8494',
    accent: '#0b5cad',
    'on-accent': '#ffffff',
    danger: '#b3261e',
  },
  dark: {
    background: '#14171c',
    surface: '#1d2127',
    text: '#e6e9ee',
    muted: '#a3adbb',
    line: '#7d8896',
    accent: '#7ab7ff',
    'on-accent': '#10161e',
    danger: '#ff9a91',
  },
  links: {},
}

/** Pairs of a color and its ground, with the contrast of WCAG 2.2 §1.4.3 and §1.4.11. */
const pairs: readonly (readonly [color: ColorName, ground: ColorName, contrast: number])[] = [
  ['text', 'surface', 4.5],
  ['text', 'background', 4.5],
  ['muted', 'surface', 4.5],
  ['muted', 'background', 4.5],
  ['accent', 'surface', 4.5],
  ['accent', 'background', 4.5],
  ['on-accent', 'accent', 4.5],
  ['danger', 'surface', 4.5],
  ['line', 'surface', 3],
]

const imageName = /\.(svg|png|jpg|jpeg|webp)$/i

/** Parses the JSON of a theme; `undefined` if `themeProblem` finds a fault. */
export function parseTheme(text: string): Theme | undefined {
  const read = readTheme(text)
  return typeof read === 'string' ? undefined : read
}

/** Returns the fault of a theme; `undefined` if there is none. */
export function themeProblem(text: string): string | undefined {
  const read = readTheme(text)
  return typeof read === 'string' ? read : undefined
}

/** Returns the theme, or its fault. */
function readTheme(text: string): Theme | string {
  const given = parseObject(text)
  if (given === undefined) return 'it is not a JSON object'
  const unknown = strangerIn(given, ['name', 'logo', 'colors', 'links'])
  if (unknown !== undefined) return `it has an unknown member "${unknown}"`
  const { name = defaultTheme.name, logo, colors = {}, links = {} } = given
  if (!isText(name, 60)) return '"name" is not a text of 1 to 60 characters'
  if (logo !== undefined && !(isText(logo, 1000) && imageName.test(logo)))
    return '"logo" is not the path of an image: .svg, .png, .jpg or .webp'
  const schemes = schemesOf(colors)
  if (typeof schemes === 'string') return schemes
  const checkedLinks = linksOf(links)
  if (typeof checkedLinks === 'string') return checkedLinks
  return { name, logo, ...schemes, links: checkedLinks }
}

function schemesOf(colors: unknown): Pick<Theme, 'light' | 'dark'> | string {
  if (!isObject(colors)) return '"colors" is not an object'
  const unknown = strangerIn(colors, ['light', 'dark'])
  if (unknown !== undefined) return `"colors" has an unknown member "${unknown}"`
  const light = colorsOf('light', colors.light)
  if (typeof light === 'string') return light
  const dark = colorsOf('dark', colors.dark)
  return typeof dark === 'string' ? dark : { light, dark }
}

function colorsOf(scheme: 'light' | 'dark', given: unknown = {}): ThemeColors | string {
  const place = `"colors.${scheme}"`
  if (!isObject(given)) return `${place} is not an object`
  const unknown = strangerIn(given, colorNames)
  if (unknown !== undefined) return `${place} has an unknown member "${unknown}"`
  const wrong = Object.entries(given).find(([, color]) => !isHexColor(color))
  if (wrong !== undefined) return `"${wrong[0]}" of ${place} is not a color such as "#0b5cad"`
  const colors = { ...defaultTheme[scheme], ...given }
  for (const [color, ground, least] of pairs) {
    const contrast = contrastOf(colors[color], colors[ground])
    if (!(contrast >= least))
      return `"${color}" on "${ground}" of ${place} has a contrast of ${contrast.toFixed(1)} to 1, and ${least} is the least`
  }
  return colors
}

function linksOf(links: unknown): Theme['links'] | string {
  if (!isObject(links)) return '"links" is not an object'
  const unknown = strangerIn(links, ['terms', 'privacy'])
  if (unknown !== undefined) return `"links" has an unknown member "${unknown}"`
  const isUrl = (url: unknown) => isText(url, 2000) && /^https?:\/\//.test(url) && URL.canParse(url)
  const wrong = Object.entries(links).find(([, url]) => !isUrl(url))
  if (wrong !== undefined) return `"${wrong[0]}" of "links" is not an http or https URL`
  const { terms, privacy } = links
  return { ...(typeof terms === 'string' ? { terms } : {}), ...(typeof privacy === 'string' ? { privacy } : {}) }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= maxLength
}

/** Returns the first member that is not one of `known`, shortened. */
function strangerIn(object: Readonly<Record<string, unknown>>, known: readonly string[]): string | undefined {
  return Object.keys(object)
    .find((name) => !known.includes(name))
    ?.slice(0, 40)
}
