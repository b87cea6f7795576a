import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Manifest, renderKustomization } from './kubernetes-manifests.js'

const root = fileURLToPath(new URL('../../../deploy/kustomize', import.meta.url))

/**
 * Returns the output of `kubectl kustomize` for a folder of `deploy/kustomize` with further
 * components.
 */
export function renderVariant(name: string, components: readonly string[] = []): readonly Manifest[] {
  if (components.length === 0) return renderKustomization(join(root, name))
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-kustomize-'))
  const path = (part: string) => relative(folder, join(root, part))
  try {
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace: 'latchkey',
      resources: [path(name)],
      components: components.map((component) => path(`components/${component}`)),
    }
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
    return renderKustomization(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
