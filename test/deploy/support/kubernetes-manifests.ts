import { execFileSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { requireProgram } from '../../support/installed-program.js'

/** A resource of Kubernetes as it would be applied. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // biome-ignore lint/suspicious/noExplicitAny: its shape is what the schemas are asked about
  readonly [field: string]: any
}

/** What `kubectl kustomize` makes of a folder. */
export function renderKustomization(folder: string): readonly Manifest[] {
  requireProgram('kubectl', 'kubernetes-client')
  return parseManifests(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', maxBuffer: 16 << 20 }))
}

/** The documents of a YAML text; fails on duplicate keys and whatever else is no YAML. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw error
    const manifest = document.toJS()
    return manifest === null ? [] : [manifest]
  })
}

/** The template of the pods that a manifest makes, whatever its kind; `undefined` where it makes none. */
// biome-ignore lint/suspicious/noExplicitAny: its shape is what the schemas are asked about
export function podTemplateOf({ kind, spec }: Manifest): any {
  const template = kind === 'CronJob' ? spec.jobTemplate.spec.template : spec?.template
  return template?.spec?.containers === undefined ? undefined : template
}

/** How a manifest is called in messages. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`
}
