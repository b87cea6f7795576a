/** In this order: most browsers also say the names of those that they want to be taken for. */
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
 * What a person calls the device, as far as its `User-Agent` tells: `Firefox on Linux`, `Safari on iPhone`, `curl`. `null` when it tells nothing. It says what it
 * was told: good for finding a session in a list, proof of nothing.
 */
export function deviceName(userAgent: string | null): string | null {
  if (userAgent === null) return null
  return joined(nameIn(programs, userAgent) ?? ownName(userAgent), nameIn(systems, userAgent))
}

/**
 * Returns the same, made of the names in the tables above alone: for texts in which nothing may stand that a client chose. `null` when
 * the `User-Agent` holds none of them.
 */
export function recognisedDevice(userAgent: string | null): string | null {
  return userAgent === null ? null : joined(nameIn(programs, userAgent), nameIn(systems, userAgent))
}

function joined(program: string | undefined, system: string | undefined): string | null {
  if (program === undefined) return system ?? null
  return system === undefined ? program : `${program} on ${system}`
}

function nameIn(names: readonly (readonly [string, RegExp])[], userAgent: string): string | undefined {
  return names.find(([, pattern]) => pattern.test(userAgent))?.[0]
}

/** The product that programs other than browsers begin with (RFC 9110 §10.1.5). */
function ownName(userAgent: string): string | undefined {
  const product = /^[A-Za-z0-9._-]{1,40}(?=[/ ]|$)/.exec(userAgent)?.[0]
  return product === 'Mozilla' ? undefined : product
}
