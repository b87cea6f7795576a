/**
 * After: LatchkeyModule in the place of JwtModule and guard. Old tokens pass until LEGACY_UNTIL.
 */

import 'reflect-metadata'
import { scryptSync, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { Body, Controller, Get, HttpCode, Module, Post, UnauthorizedException } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { DatabaseSync } from '@photostructure/sqlite'
import { createLatchkey, type Latchkey, legacyTokens, tenantSecrets } from 'latchkey'
import { type Auth, CurrentAuth, InjectLatchkey, LatchkeyModule, Public, Roles } from 'latchkey/nest'
import { sqliteStore } from 'latchkey/sqlite'

const { DATABASE = 'app.db', JWT_SECRET, LATCHKEY_MASTER_KEYS, LEGACY_UNTIL = '', PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
const store = sqliteStore({ open: () => new DatabaseSync(DATABASE) })
await store.migrate()
const legacy = legacyTokens({ secret: JWT_SECRET, until: LEGACY_UNTIL })
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS, legacy })
const latchkey = createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys })

// Once, at the switch: roles are stored with the users and no longer in their tokens.
for (const { id, role } of database.prepare('select id, role from users').all()) {
  await keys.provision(id)
  await keys.setGrants(id, { roles: [role] })
}

@Controller()
class AppController {
  constructor(@InjectLatchkey() private readonly latchkey: Latchkey) {}

  @Public()
  @Post('login')
  async login(@Body() { email, password }: { email: string; password: string }) {
    const user = database.prepare('select id, password from users where email = ?').get(email)
    if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
      throw new UnauthorizedException()
    }
    const { token } = await this.latchkey.issue({ subject: user.id, claims: { theme: 'dark' } })
    return { token }
  }

  @Get('me')
  me(@CurrentAuth() auth: Auth) {
    return { id: auth.subject, theme: auth.claims.theme }
  }

  @Roles('editor')
  @Get('drafts')
  drafts() {
    return { drafts: [] }
  }

  @HttpCode(204)
  @Post('sign-out-everywhere')
  async signOutEverywhere(@CurrentAuth() auth: Auth) {
    await keys.revoke(auth.subject)
  }
}

@Module({ imports: [LatchkeyModule.forRoot({ latchkey })], controllers: [AppController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(PORT, '127.0.0.1')
console.log(`up at http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`)
