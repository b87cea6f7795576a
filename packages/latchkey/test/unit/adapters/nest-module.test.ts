import type { AddressInfo } from 'node:net'
import {
  Catch,
  Controller,
  type ExceptionFilter,
  ForbiddenException,
  Get,
  type HttpException,
  Inject,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { Test } from '@nestjs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Auth,
  AuthGuard,
  CurrentAuth,
  InjectLatchkey,
  LATCHKEY,
  LatchkeyModule,
  type LatchkeyModuleOptions,
} from '../../../src/adapters/nest/index.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { sharedSecret } from '../../../src/keys/shared-secret.js'
import type { Latchkey, LatchkeyOptions } from '../../../src/latchkey-api.js'
import { createTestLatchkey } from '../../../src/testing/index.js'
import { bearer, decorate, moduleOf, platforms, sendTo, startNest } from '../../support/nest.js'
import { setUp } from '../../support/setup.js'

class MeController {
  me({ subject }: Auth) {
    return { subject }
  }
}
decorate(MeController, [Controller('me')], { me: { on: [Get()], parameters: [CurrentAuth()] } })

const created: LatchkeyOptions = {
  issuer: 'https://issuer.test',
  audience: 'test',
  keys: sharedSecret({ secrets: ['a secret of at least thirty-two bytes'] }),
}

describe('the Latchkey of the module', () => {
  class SignIn {
    readonly #latchkey: Latchkey
    constructor(latchkey: Latchkey) {
      this.#latchkey = latchkey
    }
    async tokenFor(subject: string) {
      return (await this.#latchkey.issue({ subject })).token
    }
  }
  Injectable()(SignIn)
  InjectLatchkey()(SignIn, undefined, 0)

  it('is injected in every module, and made from options that a factory returns', async () => {
    const configuration = { provide: 'CONFIGURATION', useValue: created }
    const configurationModule = moduleOf({ providers: [configuration], exports: ['CONFIGURATION'] })
    const signInModule = moduleOf({ providers: [SignIn], exports: [SignIn] })
    const latchkeyModule = LatchkeyModule.forRootAsync({
      imports: [configurationModule],
      inject: ['CONFIGURATION'],
      useFactory: async (latchkey: LatchkeyOptions) => ({ latchkey }),
    })
    const { app, port, close } = await startNest({
      imports: [signInModule, latchkeyModule],
      controllers: [MeController],
    })
    onTestFinished(close)
    const token = await app.get(SignIn).tokenFor('ada')
    expect(await sendTo(port, { path: '/me', headers: bearer(token) })).toMatchObject({ body: { subject: 'ada' } })
    expect((await app.get<Latchkey>(LATCHKEY).verify(token)).subject).toBe('ada')
  })

  it('is replaced in tests by overrideProvider(LATCHKEY), and the guard uses the other one', async () => {
    const module = moduleOf({
      imports: [LatchkeyModule.forRoot({ latchkey: created })],
      controllers: [MeController],
    })
    const { latchkey, keys, tokenFor } = createTestLatchkey()
    onTestFinished(() => keys.close())
    const builder = Test.createTestingModule({ imports: [module] })
      .overrideProvider(LATCHKEY)
      .useValue(latchkey)
    const app = (await builder.compile()).createNestApplication({ logger: false })
    onTestFinished(() => app.close())
    await app.listen(0, '127.0.0.1')
    const { port } = app.getHttpServer().address() as AddressInfo
    const headers = bearer(await tokenFor('ada'))
    expect(await sendTo(port, { path: '/me', headers })).toMatchObject({ status: 200, body: { subject: 'ada' } })
    expect(await sendTo(port, { path: '/me' })).toMatchObject({ status: 401 })
  })

  it.each<[string, (close: Latchkey) => LatchkeyModuleOptions, boolean]>([
    ['is left open if it was given', (latchkey) => ({ latchkey }), false],
    ['is closed if it was given with close: true', (latchkey) => ({ latchkey, close: true }), true],
  ])('%s', async (_, optionsOf, isClosed) => {
    const { latchkey, keys } = createTestLatchkey()
    const closing = vi.spyOn(latchkey, 'close')
    onTestFinished(() => keys.close())
    const { close } = await startNest({ imports: [LatchkeyModule.forRoot(optionsOf(latchkey))] })
    await close()
    expect(closing).toHaveBeenCalledTimes(isClosed ? 1 : 0)
  })

  it('is closed if the module has created it, unless close is false', async () => {
    for (const close of [undefined, false]) {
      const { keys } = setUp()
      onTestFinished(() => keys.close())
      const closing = vi.spyOn(keys, 'close')
      const latchkey = { issuer: 'https://issuer.test', audience: 'test', keys }
      const options = close === undefined ? { latchkey } : { latchkey, close }
      const started = await startNest({ imports: [LatchkeyModule.forRoot(options)] })
      expect(closing).not.toHaveBeenCalled()
      await started.close()
      expect(closing).toHaveBeenCalledTimes(close === undefined ? 1 : 0)
    }
  })

  it('verifies a request that is under way while the application closes', async () => {
    const { latchkey, keys, tokenFor } = createTestLatchkey()
    onTestFinished(() => keys.close())
    const token = await tokenFor('ada')
    let arrive = () => {}
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    let proceed = () => {}
    const held = new Promise<void>((resolve) => (proceed = resolve))
    const started = await startNest(
      { imports: [LatchkeyModule.forRoot({ latchkey, close: true })], controllers: [MeController] },
      undefined,
      (app) =>
        app.use((_request: unknown, _response: unknown, next: () => void) => {
          arrive()
          held.then(next)
        }),
    )
    const response = sendTo(started.port, { path: '/me', headers: bearer(token) })
    await arrived
    const closed = started.close()
    setImmediate(proceed)
    expect(await response).toMatchObject({ status: 200, body: { subject: 'ada' } })
    await closed
  })
})

describe('a refusal', () => {
  const { latchkey, tokenFor } = createTestLatchkey()

  it.each(platforms)(
    'is an exception that filters of the application recognise, with its challenge set: %s',
    async (_, create) => {
      class Filter implements ExceptionFilter {
        catch(exception: HttpException, host: { switchToHttp(): { getResponse(): object } }) {
          const code = isLatchkeyError(exception.cause) ? exception.cause.code : 'other'
          const response = host.switchToHttp().getResponse() as { status(code: number): { send(body: object): void } }
          response.status(418).send({ mine: code })
        }
      }
      Catch(UnauthorizedException)(Filter)
      const module = LatchkeyModule.forRoot({ latchkey })
      const started = await startNest({ imports: [module], controllers: [MeController] }, create(), (app) =>
        app.useGlobalFilters(new Filter()),
      )
      onTestFinished(() => started.close())
      const { status, headers, body } = await sendTo(started.port, { path: '/me' })
      expect([status, headers['www-authenticate'], body]).toEqual([418, 'Bearer', { mine: 'credentials_missing' }])
    },
  )

  it.each(platforms)('is replaced by the exception of onRefusal, which keeps the challenge: %s', async (_, create) => {
    const seen: string[] = []
    const own = () => new ForbiddenException({ mine: true })
    const handlings: LatchkeyModuleOptions['onRefusal'][] = [
      async () => own(),
      () => {
        throw own()
      },
      (error, context) => seen.push(`${error.code} ${context.getType()} ${context.getHandler().name}`),
    ]
    const answers: unknown[] = []
    for (const onRefusal of handlings) {
      const module = LatchkeyModule.forRoot({ latchkey, ...(onRefusal && { onRefusal }) })
      const started = await startNest({ imports: [module], controllers: [MeController] }, create())
      const { status, headers, body } = await sendTo(started.port, { path: '/me' })
      answers.push([status, headers['www-authenticate'], body?.mine ?? body?.code])
      await started.close()
    }
    expect(answers).toEqual([
      [403, 'Bearer', true],
      [403, 'Bearer', true],
      [401, 'Bearer', 'credentials_missing'],
    ])
    expect(seen).toEqual(['credentials_missing http me'])
  })

  it('differs from another error, which becomes 500 and shows nothing', async () => {
    const broken = {
      ...latchkey,
      verify: () => {
        throw new Error('connection string with a password')
      },
    }
    const module = LatchkeyModule.forRoot({ latchkey: broken })
    const started = await startNest({ imports: [module], controllers: [MeController] })
    onTestFinished(() => started.close())
    const { status, text } = await sendTo(started.port, { path: '/me', headers: bearer(await tokenFor('ada')) })
    expect(status).toBe(500)
    expect(text).not.toContain('password')
  })
})

describe('a context without an HTTP request', () => {
  const { latchkey } = createTestLatchkey()

  class Consumer {
    handle() {}
  }

  it('is refused with a message that names the handler', async () => {
    const { app, close } = await startNest({ imports: [LatchkeyModule.forRoot({ latchkey })] })
    onTestFinished(close)
    for (const type of ['rpc', 'telegraf']) {
      const context = new ExecutionContextHost([{}, {}], Consumer, Consumer.prototype.handle)
      context.setType(type)
      await expect(async () => app.get(AuthGuard).canActivate(context)).rejects.toThrow(/Consumer\.handle has no HTTP/)
    }
  })

  it('stops the start, if it is a message of a microservice without @Public()', async () => {
    class Orders {
      created() {}
    }
    // What @MessagePattern writes, without its package.
    const pattern: MethodDecorator = (_target, _key, descriptor) =>
      Reflect.defineMetadata('microservices:pattern', ['created'], descriptor.value as object)
    decorate(Orders, [Controller()], { created: { on: [pattern] } })
    const metadata = { imports: [LatchkeyModule.forRoot({ latchkey })], controllers: [Orders] }
    await expect(startNest(metadata)).rejects.toThrow(/Orders\.created receives messages/)
  })
})

describe('a guard of the application', () => {
  it('can be a subclass of AuthGuard', async () => {
    const { latchkey } = createTestLatchkey()
    class OwnGuard extends AuthGuard {}
    class Holder {
      readonly guard: OwnGuard
      constructor(guard: OwnGuard) {
        this.guard = guard
      }
    }
    Inject(OwnGuard)(Holder, undefined, 0)
    const { app, close } = await startNest({
      imports: [LatchkeyModule.forRoot({ latchkey })],
      providers: [OwnGuard, Holder],
    })
    onTestFinished(close)
    expect(app.get(Holder).guard).toBeInstanceOf(AuthGuard)
  })
})
