import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { ConfigurationError } from '../config/configuration-error.js'
import { settings } from '../config/settings.js'
import type { Theme, ThemeColors } from '../config/theme.js'
import { packageFolder } from '../package-folder.js'

/** A file of the pages. */
export interface Asset {
  /** With a hash of the content, so that browsers may keep the file for ever. */
  readonly name: string
  readonly type: string
  readonly content: Buffer
}

/** The files that the pages load. */
export interface PageAssets {
  readonly style: Asset
  readonly script: Asset
  readonly logo: Asset | undefined
}

const imageTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
}

const maxLogoBytes = 65_536

/**
 * Reads the files of the pages, and adds the colors of the theme to the style.
 *
 * @throws ConfigurationError if the logo cannot be used
 */
export function readAssets(theme: Theme): PageAssets {
  const style = `${colorsIn(theme)}\n${readData('style.css').toString()}`
  return {
    style: asset('style', '.css', { type: 'text/css; charset=utf-8', content: Buffer.from(style) }),
    script: asset('script', '.js', { type: 'text/javascript; charset=utf-8', content: readData('script.js') }),
    logo: theme.logo === undefined ? undefined : readLogo(theme.logo),
  }
}

function readData(name: string): Buffer {
  return readFileSync(new URL(`data/pages/${name}`, packageFolder))
}

function asset(name: string, extension: string, { type, content }: Pick<Asset, 'type' | 'content'>): Asset {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 16)
  return { name: `${name}-${hash}${extension}`, type, content }
}

function colorsIn({ light, dark }: Theme): string {
  return `:root{${variables(light)}}@media (prefers-color-scheme:dark){:root{${variables(dark)}}}`
}

/** The theme has only names and colors of known forms, so that they need no escaping. */
function variables(colors: ThemeColors): string {
  return Object.entries(colors)
    .map(([name, color]) => `--${name}:${color};`)
    .join('')
}

function readLogo(path: string): Asset {
  const extension = extname(path).toLowerCase()
  const content = readImage(path)
  if (content.length > maxLogoBytes) throw unusable(`the logo ${path} is larger than 64 KiB`)
  return asset('logo', extension, { type: imageTypes[extension] ?? 'application/octet-stream', content })
}

function readImage(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw unusable(`the logo cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function unusable(problem: string): ConfigurationError {
  const { name, accepts } = settings.theme
  return new ConfigurationError([{ name, problem, remedy: `It must be ${accepts}; "logo" is the path of a file.` }])
}
