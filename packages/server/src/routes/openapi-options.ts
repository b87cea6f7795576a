import { STATUS_CODES } from 'node:http'
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { accessCookie } from './session-cookies.js'

type Document = Parameters<NonNullable<FastifyDynamicSwaggerOptions['transformObject']>>[0]
type OpenapiObject = Extract<Document, { openapiObject: unknown }>['openapiObject']
type Operation = NonNullable<NonNullable<NonNullable<OpenapiObject['paths']>[string]>['get']>

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const

/** Returns the options that generate /openapi.json from the schemas of the routes. */
export function openapiOptions(issuer: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version: '1',
        description:
          'Accounts, sessions and access tokens with a signing secret for every user. ' +
          'Every refusal is application/problem+json (RFC 9457) with a code that is never renamed. ' +
          'The OAuth endpoints send the same as application/json, with "error" (RFC 6749 §5.2).',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: issuer }],
      tags: [
        { name: 'sign in', description: 'Registration, login, refresh and logout.' },
        { name: 'passkeys', description: 'Sign-in by passkeys (WebAuthn), and their registration.' },
        { name: 'mailed links', description: 'Requests that send a mailed link or use one.' },
        { name: 'own account', description: 'The account and the sessions of the signed-in user.' },
        { name: 'factors', description: 'The factors, recovery codes and trusted devices of the signed-in user.' },
        { name: 'administration', description: 'Accounts and the state of the server, for administrators.' },
        { name: 'clients', description: 'OAuth clients: programs that get their own tokens.' },
        { name: 'other services', description: 'OAuth endpoints, public keys and forward-auth.' },
        { name: 'operations', description: 'Probes for operators.' },
      ],
      components: { securitySchemes, headers },
    },
    // An operation without security needs no token; the document must say so.
    transform: ({ schema, url }) => ({ schema: { security: [], ...schema }, url }),
    transformObject: (document) => ('openapiObject' in document ? completed(document.openapiObject) : {}),
    // Shared schemas keep the names that the routes use.
    refResolver: { buildLocalReference: (json) => String(json.$id) },
  }
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token of a login.' },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: accessCookie,
    description:
      'The cookie of a login with "Latchkey-Mode: cookie". Requests that change something also need ' +
      'that header, and must come from a page of this origin or of a listed one.',
  },
} as const

const headers = {
  RequestId: {
    description: 'Identifies this request, here and in the log.',
    required: true,
    schema: { type: 'string', format: 'uuid' },
  },
  RetryAfter: {
    description: 'Seconds to wait (RFC 9110 §10.2.3).',
    required: true,
    schema: { type: 'integer', minimum: 0 },
  },
} as const

/** Adds to the document what the schemas of the routes cannot express. */
function completed(document: OpenapiObject): OpenapiObject {
  for (const path of Object.values(document.paths ?? {})) {
    for (const method of methods) {
      const operation = path?.[method]
      if (operation !== undefined) completeOperation(operation)
    }
  }
  return document
}

function completeOperation({ requestBody, responses, parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    // A parameter with a default is optional.
    if ('schema' in parameter && parameter.schema !== undefined && 'default' in parameter.schema) {
      parameter.required = false
    }
  }
  if (requestBody !== undefined && 'content' in requestBody && mayBeAbsent(requestBody.content)) {
    requestBody.required = false
  }
  for (const [status, response] of Object.entries(responses ?? {})) {
    if ('$ref' in response) continue
    const retry = status === '429' ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}
    if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? status
    response.headers = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' }, ...retry, ...response.headers }
  }
}

/** Returns whether the body is optional: its schema then allows `null`. */
function mayBeAbsent(content: Readonly<Record<string, { readonly schema?: unknown }>>): boolean {
  return Object.values(content).some(({ schema }) => {
    const type = (schema as { readonly type?: unknown } | undefined)?.type
    return Array.isArray(type) && type.includes('null')
  })
}
