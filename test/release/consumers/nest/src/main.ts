import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import { Controller, Get, Injectable, Module, Param, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Keyring, type Latchkey, type TenantSecrets, tenantSecrets } from 'latchkey'
import { memoryStore } from 'latchkey/memory'
import { type Auth, CurrentAuth, InjectLatchkey, LatchkeyModule, Public, Roles } from 'latchkey/nest'

const keys: TenantSecrets = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('consumer') })

@Injectable()
class SignIn {
  constructor(@InjectLatchkey() private readonly latchkey: Latchkey) {}

  async tokenFor(user: string): Promise<string> {
    return (await this.latchkey.issue({ subject: user })).token
  }
}

@Controller()
class AppController {
  // The type alone names the provider, by the metadata that the compiler emits.
  constructor(private readonly signIn: SignIn) {}

  @Public()
  @Post('sign-in/:user')
  async create(@Param('user') user: string) {
    return { token: await this.signIn.tokenFor(user) }
  }

  @Get('me')
  me(@CurrentAuth() auth: Auth) {
    return { id: auth.subject }
  }

  @Roles('editor')
  @Get('drafts')
  drafts() {
    return { drafts: [] }
  }
}

@Module({
  imports: [LatchkeyModule.forRoot({ latchkey: { issuer: 'https://issuer.test', audience: 'test', keys } })],
  controllers: [AppController],
  providers: [SignIn],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: false })
  await app.listen(0, '127.0.0.1')
  const { port } = app.getHttpServer().address() as AddressInfo
  const request = async (path: string, token?: string, method = 'GET') => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })
    const body = (await response.json()) as { id?: string; token?: string; code?: string }
    return { status: response.status, ...body }
  }

  const { token = '' } = await request('/sign-in/ada', undefined, 'POST')
  const guest = await request('/me')
  console.log('guest', guest.status, guest.code)
  const ada = await request('/me', token)
  console.log('ada', ada.status, ada.id)
  const reader = await request('/drafts', token)
  console.log('reader', reader.status, reader.code)
  await keys.setGrants('ada', { roles: ['editor'] })
  console.log('editor', (await request('/drafts', token)).status)
  await keys.revoke('ada')
  const revoked = await request('/me', token)
  console.log('revoked', revoked.status, revoked.code)
  await app.close()
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
