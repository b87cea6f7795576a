import type { AbstractHttpAdapter } from '@nestjs/core'
import { GraphQLModule, Mutation, Query, ResolveField, Resolver } from '@nestjs/graphql'
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  type Auth,
  CurrentAuth,
  LatchkeyModule,
  type LatchkeyModuleOptions,
  OptionalAuth,
  Public,
  Roles,
} from '../../../src/adapters/nest/index.js'
import { createTestLatchkey } from '../../../src/testing/index.js'
import { bearer, decorate, sendTo, startNest } from '../../support/nest.js'

const { latchkey, keys, tokenFor } = createTestLatchkey()
let alice = ''
let editor = ''

beforeAll(async () => {
  alice = await tokenFor('alice')
  editor = await tokenFor('eve')
  await keys.setGrants('eve', { roles: ['editor'] })
})

const typeDefs = `
  type User { id: ID! salary: Int! }
  type Query { me: User! version: String! reader: String! }
  type Mutation { publish: User! }
`

class UserResolver {
  me({ subject }: Auth) {
    return { id: subject }
  }
  version() {
    return '1'
  }
  reader(auth: Auth | undefined) {
    return auth?.subject ?? 'guest'
  }
  publish({ subject }: Auth) {
    return { id: subject }
  }
  salary() {
    return 1000
  }
}

/** Returns the resolver, with these decorators on its field. */
function resolverWith(...ofField: MethodDecorator[]): new () => object {
  class OwnResolver extends UserResolver {
    override salary() {
      return super.salary()
    }
  }
  return decorate(OwnResolver, [Resolver('User')], { salary: { on: [ResolveField('salary'), ...ofField] } })
}
decorate(UserResolver, [], {
  me: { on: [Query('me')], parameters: [CurrentAuth()] },
  version: { on: [Public(), Query('version')] },
  reader: { on: [OptionalAuth(), Query('reader')], parameters: [CurrentAuth({ optional: true })] },
  publish: { on: [Roles('editor'), Mutation('publish')], parameters: [CurrentAuth()] },
})

async function startGraphql(
  resolver: new () => object,
  graphql: Partial<MercuriusDriverConfig> = {},
  options: Partial<LatchkeyModuleOptions> = {},
) {
  const graphqlModule = GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, typeDefs, ...graphql })
  const imports = [graphqlModule, LatchkeyModule.forRoot({ latchkey, ...options })]
  const adapter = new FastifyAdapter() as unknown as AbstractHttpAdapter
  const started = await startNest({ imports, providers: [resolver] }, adapter)
  onTestFinished(() => started.close())
  return async (query: string, token?: string) => {
    const { body } = await sendTo(started.port, {
      method: 'POST',
      path: '/graphql',
      headers: ['Content-Type', 'application/json', ...(token === undefined ? [] : bearer(token))],
      body: JSON.stringify({ query }),
    })
    return body
  }
}

/** An error of GraphQL with this code. */
const refused = (code: string, graphqlCode: string) => ({
  errors: [{ extensions: { code: graphqlCode, originalError: { code } } }],
})

describe('a GraphQL operation', () => {
  it('needs a token, and the rights of its decorators', async () => {
    const request = await startGraphql(resolverWith())
    expect(await request('{ me { id salary } }', alice)).toEqual({ data: { me: { id: 'alice', salary: 1000 } } })
    expect(await request('{ me { id } }')).toMatchObject(refused('credentials_missing', 'UNAUTHENTICATED'))
    expect(await request('mutation { publish { id } }', alice)).toMatchObject(refused('insufficient_role', 'FORBIDDEN'))
    expect(await request('mutation { publish { id } }', editor)).toEqual({ data: { publish: { id: 'eve' } } })
    expect(await request('{ version }', 'garbage')).toEqual({ data: { version: '1' } })
    expect(await request('{ reader }')).toEqual({ data: { reader: 'guest' } })
    expect(await request('{ reader }', alice)).toEqual({ data: { reader: 'alice' } })
  })

  it('is checked beside others of the same request, each by its own decorators', async () => {
    const request = await startGraphql(resolverWith())
    const answer = await request('{ a: reader b: version c: reader }', alice)
    expect(answer).toEqual({ data: { a: 'alice', b: '1', c: 'alice' } })
  })

  it('is refused after a revocation', async () => {
    const request = await startGraphql(resolverWith())
    const bob = await tokenFor('bob')
    expect(await request('{ me { id } }', bob)).toEqual({ data: { me: { id: 'bob' } } })
    await keys.revoke('bob')
    expect(await request('{ me { id } }', bob)).toMatchObject(refused('token_revoked', 'UNAUTHENTICATED'))
  })

  it('is checked by the request that requestOf returns', async () => {
    const request = await startGraphql(resolverWith(), {}, { requestOf: () => ({ headers: {} }) })
    expect(await request('{ me { id } }', alice)).toMatchObject(refused('credentials_missing', 'UNAUTHENTICATED'))
  })
})

describe('a field with a decorator', () => {
  it('stops the start, because Nest runs no guard for it', async () => {
    await expect(startGraphql(resolverWith(Roles('editor')))).rejects.toThrow(/salary is open/)
  })

  it('is checked if fieldResolverEnhancers contain guards', async () => {
    const request = await startGraphql(resolverWith(Roles('editor')), { fieldResolverEnhancers: ['guards'] })
    expect(await request('{ me { salary } }', alice)).toMatchObject(refused('insufficient_role', 'FORBIDDEN'))
    expect(await request('{ me { salary } }', editor)).toEqual({ data: { me: { salary: 1000 } } })
  })
})
