import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

/** One operation of the document. */
export interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: { readonly properties?: object } }>>
  }
  readonly responses: Readonly<Record<string, Response>>
}

interface Response {
  readonly content?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, unknown>>
}

/** The parts of an OpenAPI document that the tests read. */
export interface OpenapiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>
    readonly headers: Readonly<Record<string, unknown>>
  }
}

interface Seen {
  readonly status: number
  readonly headers: Headers
  readonly parsed: unknown
}

/** Checks answers against an /openapi.json. */
export class AnswerContract {
  readonly document: OpenapiDocument
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #compiled = new Map<string, ValidateFunction>()

  constructor(document: unknown) {
    this.document = document as OpenapiDocument
    formats.default(this.#ajv)
    this.#ajv.addFormat('password', true)
    this.#ajv.addSchema(this.document, 'openapi')
  }

  /** All operations of the server. */
  get operations(): { readonly method: string; readonly path: string; readonly operation: Operation }[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    )
  }

  /** Throws unless the route declares the status of the answer, and the body matches its schema. */
  check(method: string, path: string, seen: Seen): void {
    const where = `${method} ${path} → ${seen.status}`
    const pattern = this.#patternOf(path)
    const operation = pattern === undefined ? undefined : this.document.paths[pattern]?.[method.toLowerCase()]
    const declared = operation?.responses[String(seen.status)]
    if (operation !== undefined && declared === undefined) {
      throw new Error(`${where} is not a status that /openapi.json lists: ${JSON.stringify(seen.parsed)}`)
    }
    for (const name of Object.keys(declared?.headers ?? {})) {
      if (!seen.headers.has(name)) throw new Error(`${where} lacks the header ${name} that /openapi.json promises.`)
    }
    if (seen.status >= 400) {
      const type = path.startsWith('/oauth/') ? 'application/json' : 'application/problem+json'
      this.#checkShape(where, seen, type, '#/components/schemas/Problem')
      return
    }
    if (declared?.content === undefined || pattern === undefined) return
    const type = (seen.headers.get('content-type') ?? '').split(';')[0] ?? ''
    if (!(type in declared.content)) throw new Error(`${where} has the undeclared type ${type}.`)
    if (type !== 'application/json') return
    const escaped = pattern.replaceAll('~', '~0').replaceAll('/', '~1')
    const place = `#/paths/${escaped}/${method.toLowerCase()}/responses/${seen.status}/content/application~1json/schema`
    this.#checkShape(where, seen, 'application/json', place)
  }

  #checkShape(where: string, { headers, parsed }: Seen, expectedType: string, place: string): void {
    const type = headers.get('content-type')
    if (type?.split(';')[0] !== expectedType) throw new Error(`${where} has the content type ${type}`)
    const validate = this.#compiled.get(place) ?? this.#ajv.compile({ $ref: `openapi${encodeURI(place)}` })
    this.#compiled.set(place, validate)
    if (!validate(parsed))
      throw new Error(`${where} is not what /openapi.json says: ${this.#ajv.errorsText(validate.errors)}`)
  }

  #patternOf(path: string): string | undefined {
    const segments = path.split('?')[0]?.split('/') ?? []
    return Object.keys(this.document.paths).find((pattern) => {
      const parts = pattern.split('/')
      return parts.length === segments.length && parts.every((part, i) => part.startsWith('{') || part === segments[i])
    })
  }
}
