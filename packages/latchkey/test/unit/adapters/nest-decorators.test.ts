import { Controller, Get, type INestApplication, Injectable, Post, UseGuards } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  type Auth,
  AuthGuard,
  Claims,
  CurrentAuth,
  LatchkeyModule,
  type LatchkeyModuleOptions,
  OptionalAuth,
  Public,
  Roles,
  Scopes,
} from '../../../src/adapters/nest/index.js'
import { createTestLatchkey } from '../../../src/testing/index.js'
import { bearer, decorate, platforms, type StartedNest, sendTo, startNest } from '../../support/nest.js'

const { latchkey, keys, tokenFor } = createTestLatchkey()
let alice = ''
let staff = ''
let editor = ''
let freelancer = ''

beforeAll(async () => {
  alice = await tokenFor('alice', { claims: { plan: 'pro' } })
  staff = await tokenFor('sam')
  await keys.setGrants('sam', { roles: ['staff'], scope: 'posts:read' })
  editor = await tokenFor('eve')
  await keys.setGrants('eve', { roles: ['staff', 'editor'], scope: 'posts:read posts:write' })
  freelancer = await tokenFor('fred')
  await keys.setGrants('fred', { roles: ['editor'], scope: 'posts:write' })
})

class PlainController {
  who(auth: Auth | undefined) {
    return { who: auth?.subject ?? 'guest' }
  }
}
const identity = { parameters: [CurrentAuth({ optional: true })] }

/** Returns a controller with one route, which responds with the subject of the caller. */
function controllerAt(path: string, ofClass: readonly ClassDecorator[], ofMethod: readonly MethodDecorator[]) {
  class OneRoute {
    who(auth: Auth | undefined) {
      return { who: auth?.subject ?? 'guest' }
    }
  }
  return decorate(OneRoute, [Controller(path), ...ofClass], { who: { on: [Get(), ...ofMethod], ...identity } })
}

/** Returns a controller with one open route that reads no identity. */
function openControllerAt(path: string, ofClass: readonly ClassDecorator[], ofMethod: readonly MethodDecorator[]) {
  class OpenRoute {
    open() {
      return { who: 'open' }
    }
  }
  return decorate(OpenRoute, [Controller(path), ...ofClass], { open: { on: [Get(), ...ofMethod] } })
}

async function startUntilFinished(options: Partial<LatchkeyModuleOptions>, ...controllers: (new () => object)[]) {
  const module = LatchkeyModule.forRoot({ latchkey, ...options })
  const started = await startNest({ imports: [module], controllers })
  onTestFinished(() => started.close())
  return (path: string, token?: string) => ask(started, path, token)
}

/** Returns the subject of the response, or its status and the code of the refusal. */
async function ask({ port }: StartedNest, path: string, token?: string, method = 'GET'): Promise<unknown> {
  const { status, body } = await sendTo(port, { path, method, headers: token === undefined ? [] : bearer(token) })
  return body?.who ?? (body?.code === undefined ? status : `${status} ${body.code}`)
}

describe.each(platforms)('on %s', (_, createAdapter) => {
  let started: StartedNest

  class Base {
    inherited(auth: Auth | undefined) {
      return { who: auth?.subject ?? 'guest' }
    }
  }
  decorate(Base, [Public()], { inherited: { on: [Get('inherited')] } })
  class OfPublicBase extends Base {
    own() {
      return { who: 'open' }
    }
  }
  decorate(OfPublicBase, [Controller('of-public-base')], { own: { on: [Get('own')] } })

  class StaffBase {
    inherited() {
      return { who: 'staff' }
    }
  }
  decorate(StaffBase, [Roles('staff')], { inherited: { on: [Get('inherited')] } })
  class OfStaffBase extends StaffBase {}
  decorate(OfStaffBase, [Roles('editor'), Controller('of-staff-base')])

  beforeAll(async () => {
    const controllers = [
      controllerAt('plain', [], []),
      openControllerAt('public', [], [Public()]),
      openControllerAt('public-class', [Public()], []),
      openControllerAt('public-class-with-role', [Public()], [Roles('staff')]),
      openControllerAt('staff-class-with-public', [Roles('staff')], [Public()]),
      controllerAt('both', [Roles('staff')], [Roles('editor')]),
      controllerAt('twice', [], [Roles('staff'), Roles('editor')]),
      controllerAt('scopes', [Scopes('posts:read')], [Scopes('posts:write')]),
      controllerAt('claims', [], [Claims('plan', 'pro')]),
      controllerAt('guest', [], [OptionalAuth()]),
      controllerAt('guest-class-with-role', [OptionalAuth()], [Roles('staff')]),
      OfPublicBase,
      OfStaffBase,
    ]
    started = await startNest({ imports: [LatchkeyModule.forRoot({ latchkey })], controllers }, createAdapter())
  })
  afterAll(() => started.close())

  it('a route without a decorator needs a token', async () => {
    expect(await ask(started, '/plain')).toBe('401 credentials_missing')
    expect(await ask(started, '/plain', alice)).toBe('alice')
  })

  it('@Public() opens a route and a class, and reads no token', async () => {
    for (const path of ['/public', '/public-class']) {
      expect(await ask(started, path)).toBe('open')
      expect(await ask(started, path, 'garbage')).toBe('open')
    }
  })

  it('@Public() on a class opens no route that has a role, and on a route it opens that one', async () => {
    expect(await ask(started, '/public-class-with-role')).toBe('401 credentials_missing')
    expect(await ask(started, '/public-class-with-role', alice)).toBe('403 insufficient_role')
    expect(await ask(started, '/public-class-with-role', staff)).toBe('open')
    expect(await ask(started, '/staff-class-with-public')).toBe('open')
  })

  it.each(['/both', '/twice'])(
    'all roles must hold, those of class and route, and those of two decorators: %s',
    async (path) => {
      expect(await ask(started, path)).toBe('401 credentials_missing')
      for (const token of [alice, staff, freelancer]) {
        expect(await ask(started, path, token)).toBe('403 insufficient_role')
      }
      expect(await ask(started, path, editor)).toBe('eve')
    },
  )

  it('all scopes must hold, those of class and route', async () => {
    for (const token of [alice, staff, freelancer]) {
      expect(await ask(started, '/scopes', token)).toBe('403 insufficient_scope')
    }
    expect(await ask(started, '/scopes', editor)).toBe('eve')
  })

  it('a claim must hold', async () => {
    expect(await ask(started, '/claims', alice)).toBe('alice')
    expect(await ask(started, '/claims', editor)).toBe('403 insufficient_claim')
  })

  it('@OptionalAuth() lets guests pass, and refuses a wrong token', async () => {
    expect(await ask(started, '/guest')).toBe('guest')
    expect(await ask(started, '/guest', alice)).toBe('alice')
    expect(await ask(started, '/guest', 'garbage')).toBe('401 token_malformed')
    expect(await ask(started, '/guest-class-with-role')).toBe('401 credentials_missing')
    expect(await ask(started, '/guest-class-with-role', staff)).toBe('sam')
  })

  it('subclasses inherit roles, and do not inherit @Public()', async () => {
    expect(await ask(started, '/of-public-base/own')).toBe('401 credentials_missing')
    expect(await ask(started, '/of-public-base/inherited')).toBe('401 credentials_missing')
    for (const token of [alice, staff, freelancer]) {
      expect(await ask(started, '/of-staff-base/inherited', token)).toBe('403 insufficient_role')
    }
    expect(await ask(started, '/of-staff-base/inherited', editor)).toBe('staff')
  })
})

describe('decorators', () => {
  it.each<[string, () => unknown]>([
    ['@Public() and @Roles() on one route', () => controllerAt('x', [], [Public(), Roles('staff')])],
    ['@Roles() and @Public() on one route', () => controllerAt('x', [], [Roles('staff'), Public()])],
    ['@OptionalAuth() and @Scopes() on one class', () => controllerAt('x', [OptionalAuth(), Scopes('a')], [])],
    ['@Public() and @OptionalAuth() on one class', () => controllerAt('x', [Public(), OptionalAuth()], [])],
    ['a role that is empty', () => Roles('')],
    ['no role', () => Roles()],
    ['a scope with a space', () => Scopes('a b')],
    ['a claim without a name', () => Claims('')],
    ['a role on a property', () => Roles('staff')(PlainController.prototype, 'name', undefined as never)],
  ])('throw a TypeError for %s', (_, make) => {
    expect(make).toThrow(TypeError)
  })
})

describe('@CurrentAuth()', () => {
  class Strict {
    who({ subject }: Auth) {
      return { who: subject }
    }
  }
  const strict = (path: string, ...on: MethodDecorator[]) =>
    decorate(
      class extends Strict {
        override who(auth: Auth) {
          return super.who(auth)
        }
      },
      [Controller(path)],
      { who: { on: [Get(), ...on], parameters: [CurrentAuth()] } },
    )

  it('fails with 500 on a route that no guard has checked, even if something else has set request.auth', async () => {
    const foreign = (app: INestApplication) =>
      app.use((request: { auth?: unknown }, _response: unknown, next: () => void) => {
        request.auth = { subject: 'mallory' }
        next()
      })
    const module = LatchkeyModule.forRoot({ latchkey })
    const controllers = [strict('public', Public()), controllerAt('optional', [], [Public()])]
    const started = await startNest({ imports: [module], controllers }, undefined, foreign)
    onTestFinished(() => started.close())
    expect(await ask(started, '/public', alice)).toBe(500)
    expect(await ask(started, '/optional', alice)).toBe(500)
  })

  it('refuses a guest, unless it is optional', async () => {
    const request = await startUntilFinished({}, strict('guest', OptionalAuth()))
    expect(await request('/guest')).toBe('401 credentials_missing')
    expect(await request('/guest', alice)).toBe('alice')
  })
})

describe('a module with global: false', () => {
  it('guards what has a decorator, and nothing else', async () => {
    const request = await startUntilFinished(
      { global: false },
      openControllerAt('open', [], []),
      controllerAt('role', [], [Roles('staff')]),
      controllerAt('role-class', [Roles('staff')], []),
      controllerAt('guard', [], [UseGuards(AuthGuard)]),
      controllerAt('guest', [], [OptionalAuth()]),
    )
    expect(await request('/open', 'garbage')).toBe('open')
    for (const path of ['/role', '/role-class']) {
      expect(await request(path)).toBe('401 credentials_missing')
      expect(await request(path, alice)).toBe('403 insufficient_role')
      expect(await request(path, staff)).toBe('sam')
    }
    expect(await request('/guard')).toBe('401 credentials_missing')
    expect(await request('/guard', alice)).toBe('alice')
    expect(await request('/guest')).toBe('guest')
    expect(await request('/guest', 'garbage')).toBe('401 token_malformed')
  })
})

describe('a module with optional: true', () => {
  it('lets guests pass, except where a role is needed', async () => {
    const request = await startUntilFinished(
      { optional: true },
      controllerAt('plain', [], []),
      controllerAt('role', [], [Roles('staff')]),
    )
    expect(await request('/plain')).toBe('guest')
    expect(await request('/plain', 'garbage')).toBe('401 token_malformed')
    expect(await request('/role')).toBe('401 credentials_missing')
    expect(await request('/role', staff)).toBe('sam')
  })
})

describe('an application with a decorator that Nest would ignore', () => {
  const start = async (controllers: (new () => object)[], providers: (new () => object)[]) => {
    const started = await startNest({ imports: [LatchkeyModule.forRoot({ latchkey })], controllers, providers })
    await started.close()
  }

  it.each<[string, () => new () => object]>([
    [
      'on a method of a service',
      () => {
        class Service {
          remove() {}
        }
        return decorate(Service, [Injectable()], { remove: { on: [Roles('staff')] } })
      },
    ],
    [
      'on a service',
      () => {
        class Service {
          remove() {}
        }
        return decorate(Service, [Roles('staff'), Injectable()])
      },
    ],
  ])('does not start: %s', async (_, create) => {
    await expect(start([], [create()])).rejects.toThrow(/Service.*decorator of latchkey\/nest/)
  })

  it('does not start: on a method of a controller that is no route', async () => {
    class Mixed {
      route() {}
      helper() {}
    }
    decorate(Mixed, [Controller()], { route: { on: [Post()] }, helper: { on: [Roles('staff')] } })
    await expect(start([Mixed], [])).rejects.toThrow(/Mixed\.helper has a decorator/)
  })
})
