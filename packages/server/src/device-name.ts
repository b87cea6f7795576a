/**
 * In the order of the search, because most browsers also name the browsers that they are compatible
 * with.
 */
const programs: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|OPT)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bVersion\/\S+ .*\bSafari\//],
]

const systems: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
]

/**
 * Returns a short name of the device from its `User-Agent`, such as `Firefox on Linux`,
 * `Safari on iPhone` or `curl`; `null` if there is none. The client chooses the header, so that the
 * name helps to find a session in a list but proves nothing.
 */
export function deviceName(userAgent: string | null): string | null {
  if (userAgent === null) return null
  return joined(nameIn(programs, userAgent) ?? productName(userAgent), nameIn(systems, userAgent))
}

/** Names of the tables above. */
export interface RecognisedDevice {
  readonly program: string | undefined
  readonly system: string | undefined
}

/**
 * Returns the names of the tables above that the `User-Agent` contains, for texts that must not
 * contain input of a client.
 */
export function recognisedDevice(userAgent: string | null): RecognisedDevice {
  const text = userAgent ?? ''
  return { program: nameIn(programs, text), system: nameIn(systems, text) }
}

function joined(program: string | undefined, system: string | undefined): string | null {
  if (program === undefined) return system ?? null
  return system === undefined ? program : `${program} on ${system}`
}

function nameIn(names: readonly (readonly [string, RegExp])[], userAgent: string): string | undefined {
  return names.find(([, pattern]) => pattern.test(userAgent))?.[0]
}

/** The product that programs other than browsers begin with (RFC 9110 §10.1.5). */
function productName(userAgent: string): string | undefined {
  const product = /^[A-Za-z0-9._-]{1,40}(?=[/ ]|$)/.exec(userAgent)?.[0]
  return product === 'Mozilla' ? undefined : product
}
