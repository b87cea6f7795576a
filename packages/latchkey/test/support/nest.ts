import { type IncomingHttpHeaders, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type INestApplication, Module, type ModuleMetadata, type Type } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'

/** The platforms of Nest, by their names. */
export const platforms: readonly [name: string, create: () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter() as unknown as AbstractHttpAdapter],
]

/** The decorators of a method and of its parameters, in the order in which they are written. */
export interface MethodDecorators {
  readonly on: readonly MethodDecorator[]
  readonly parameters?: readonly ParameterDecorator[]
}

/**
 * Applies decorators as the compiler does for decorator syntax, which these tests are compiled
 * without: those of methods first, and the last of a list first.
 */
export function decorate<T extends Type>(
  target: T,
  decorators: readonly ClassDecorator[],
  methods: Readonly<Record<string, MethodDecorators>> = {},
): T {
  for (const [name, { on, parameters = [] }] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, name)
    if (descriptor === undefined) throw new Error(`${target.name} has no method ${name} of its own.`)
    for (const [index, parameter] of parameters.entries()) parameter(target.prototype, name, index)
    for (const decorator of on.toReversed()) decorator(target.prototype, name, descriptor)
  }
  for (const decorator of decorators.toReversed()) decorator(target)
  return target
}

/** Returns a module class with this metadata. */
export function moduleOf(metadata: ModuleMetadata): Type {
  return decorate(class AppModule {}, [Module(metadata)])
}

/** A Nest application that listens on a port of 127.0.0.1. */
export interface StartedNest {
  readonly app: INestApplication
  readonly port: number
  close(): Promise<void>
}

/**
 * Starts an application with this metadata of its root module.
 *
 * @param prepare Called before the application listens, to add middleware or filters.
 */
export async function startNest(
  metadata: ModuleMetadata,
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
  prepare: (app: INestApplication) => void = () => {},
): Promise<StartedNest> {
  const app = await NestFactory.create(moduleOf(metadata), adapter, { logger: false, abortOnError: false })
  try {
    prepare(app)
    await app.listen(0, '127.0.0.1')
  } catch (error) {
    await app.close()
    throw error
  }
  const { port } = app.getHttpServer().address() as AddressInfo
  return { app, port, close: () => app.close() }
}

/** A request to a started application. */
export interface Sent {
  readonly method?: string
  readonly path?: string
  /** Names and values in turn, so that a header can be sent twice. */
  readonly headers?: readonly string[]
  readonly body?: string
}

/** The response to a request. */
export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The text as JSON; `undefined` for another text. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** Sends one request to a port of 127.0.0.1. */
export function sendTo(port: number, { method = 'GET', path = '/', headers = [], body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    const all = ['Host', '127.0.0.1', ...headers, ...length]
    const sent = send({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function parse(text: string): Received['body'] {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns the headers of a request with this token. */
export function bearer(token: string): readonly string[] {
  return ['Authorization', `Bearer ${token}`]
}
