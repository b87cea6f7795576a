import { execFileSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { requireProgram } from '../../support/installed-program.js'

/** A resource of Kubernetes, ready to apply. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // biome-ignore lint/suspicious/noExplicitAny: the schemas define its shape
  readonly [field: string]: any
}

/** Returns the output of `kubectl kustomize` for a folder. */
export function renderKustomization(folder: string): readonly Manifest[] {
  requireProgram('kubectl', 'kubernetes-client')
  return parseManifests(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', maxBuffer: 16 << 20 }))
}

/** Returns the documents of a YAML text; throws on duplicate keys and other faults. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw error
    const manifest = document.toJS()
    return manifest === null ? [] : [manifest]
  })
}

/**
 * Returns the template of the pods that a manifest of any kind creates; `undefined` where it
 * creates none.
 */
// biome-ignore lint/suspicious/noExplicitAny: the schemas define its shape
export function podTemplateOf({ kind, spec }: Manifest): any {
  const template = kind === 'CronJob' ? spec.jobTemplate.spec.template : spec?.template
  return template?.spec?.containers === undefined ? undefined : template
}

/** Returns the name of a manifest for messages. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`
}
