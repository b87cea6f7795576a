import { STATUS_CODES } from 'node:http'
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { accessCookie } from './session-cookies.js'

type Document = Parameters<NonNullable<FastifyDynamicSwaggerOptions['transformObject']>>[0]
type OpenapiObject = Extract<Document, { openapiObject: unknown }>['openapiObject']
type Operation = NonNullable<NonNullable<NonNullable<OpenapiObject['paths']>[string]>['get']>

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const

/** How the document at /openapi.json is made from the schemas of the routes. `issuer`: where clients find them. */
export function openapiOptions(issuer: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version: '1',
        description:
          'Accounts, sessions and access tokens with a signing secret for every user. Every refusal is application/problem+json ' +
          '(RFC 9457) with a code that is never renamed; at the endpoints of OAuth the same is application/json, with "error" (RFC 6749 §5.2).',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: issuer }],
      tags: [
        { name: 'sign in', description: 'From a password to tokens, and out again.' },
        { name: 'mailed links', description: 'What begins or ends with a link that was mailed.' },
        { name: 'own account', description: 'What somebody does with their own account and devices.' },
        { name: 'administration', description: 'What administrators do with accounts of others.' },
        { name: 'clients', description: 'Programs that act for themselves.' },
        { name: 'other services', description: 'What other services need to trust tokens of this server.' },
        { name: 'operations', description: 'For whoever runs the server.' },
      ],
      components: { securitySchemes, headers },
    },
    // An operation that names no security needs none, and says so.
    transform: ({ schema, url }) => ({ schema: { security: [], ...schema }, url }),
    transformObject: (document) => ('openapiObject' in document ? completed(document.openapiObject) : {}),
    // Shared shapes keep the names that routes refer to them by.
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
      'The cookie of a login with "Latchkey-Mode: cookie". What changes anything needs that header too, and a page of this origin or of a listed one.',
  },
} as const

const headers = {
  RequestId: {
    description: 'Names this request, here and in the log.',
    required: true,
    schema: { type: 'string', format: 'uuid' },
  },
  RetryAfter: {
    description: 'Seconds to wait (RFC 9110 §10.2.3).',
    required: true,
    schema: { type: 'integer', minimum: 0 },
  },
} as const

/** The document with what cannot be said in the schemas of the routes. */
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
    // What has a default need not be sent.
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

/** A schema that lets a body be `null` stands for one that need not be sent. */
function mayBeAbsent(content: Readonly<Record<string, { readonly schema?: unknown }>>): boolean {
  return Object.values(content).some(({ schema }) => {
    const type = (schema as { readonly type?: unknown } | undefined)?.type
    return Array.isArray(type) && type.includes('null')
  })
}
