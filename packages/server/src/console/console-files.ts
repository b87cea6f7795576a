import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { packageFolder } from '../package-folder.js'

/** A file of the console. */
export interface ConsoleFile {
  readonly type: string
  readonly content: Buffer
  /** The same in Brotli (RFC 7932); `undefined` if the build has not compressed it. */
  readonly compressed: Buffer | undefined
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const folder = new URL('data/console/', packageFolder)

/**
 * The build of `packages/console`. Files are read when a browser first asks for them, because most
 * processes never serve the console.
 */
export class ConsoleFiles {
  readonly #prefix: string
  readonly #read = new Map<string, ConsoleFile>()
  #names: ReadonlySet<string> | undefined
  #document: Buffer | undefined

  /** @param prefix - The path of the issuer, which begins all paths; empty if it has none. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Returns the document of every page of the console. */
  document(): Buffer {
    this.#document ??= Buffer.from(
      readFileSync(new URL('index.html', folder), 'utf8')
        .replace('data-base=""', `data-base="${this.#prefix}"`)
        .replaceAll('"./assets/', `"${this.#prefix}/console/assets/`),
    )
    return this.#document
  }

  /** Returns a script or a style; `undefined` if the build has no file of this name. */
  asset(name: string): ConsoleFile | undefined {
    this.#names ??= new Set(readdirSync(new URL('assets/', folder)))
    const type = types[extname(name)]
    if (type === undefined || !this.#names.has(name)) return undefined
    const read = this.#read.get(name) ?? this.#load(name, type, this.#names.has(`${name}.br`))
    this.#read.set(name, read)
    return read
  }

  #load(name: string, type: string, isCompressed: boolean): ConsoleFile {
    const content = readFileSync(new URL(`assets/${name}`, folder))
    const compressed = isCompressed ? readFileSync(new URL(`assets/${name}.br`, folder)) : undefined
    return { type, content, compressed }
  }
}
