import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { defineConfig } from 'vite'

/** The server's package contains the build, and serves it at /console. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The server replaces the relative paths in the document, because its issuer may have a path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../server/data/console',
    emptyOutDir: true,
    // Fonts and images in a style would need an exception of the Content Security Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  plugins: [compressAssets()],
})

/** Writes a compressed copy beside each script and style. */
function compressAssets() {
  return {
    name: 'compress-assets',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          if (!/\.(js|css)$/.test(fileName)) continue
          const source = brotliCompressSync(file.type === 'chunk' ? file.code : file.source)
          this.emitFile({ type: 'asset', fileName: `${fileName}.br`, source })
        }
      },
    },
  }
}
