import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** The size of a module with its relative imports, as one minified file, in bytes. */
export interface MinifiedSize {
  readonly minified: number
  readonly gzipped: number
  /** Imports by package name, which are not counted: Node's modules, drivers and frameworks. */
  readonly imports: readonly string[]
}

const external = /^[^./]/

/** Bundles the module at this path and returns its size. */
export async function minifiedSize(input: string): Promise<MinifiedSize> {
  const bundle = await rolldown({ input, external, platform: 'node' })
  // Without the annotations for another bundler.
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: false })
  await bundle.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  const code = chunks.map((chunk) => chunk.code).join('')
  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code).length, imports }
}
