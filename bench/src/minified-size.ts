import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What a module weighs with everything that it reaches, in bytes: as one minified file, of what builds the library. */
export interface MinifiedSize {
  readonly minified: number
  readonly gzipped: number
  /** What it imports by name, and so does not weigh here: modules of Node, and drivers and frameworks, which are the user's own. */
  readonly imports: readonly string[]
}

const external = /^[^./]/

/** Bundles the module of this path. */
export async function minifiedSize(input: string): Promise<MinifiedSize> {
  const bundle = await rolldown({ input, external, platform: 'node' })
  // Comments are marks for yet another bundler.
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: false })
  await bundle.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  const code = chunks.map((chunk) => chunk.code).join('')
  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code).length, imports }
}
