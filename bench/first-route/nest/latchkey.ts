import 'reflect-metadata'
import { Controller, Get, Module, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { memoryStore } from 'latchkey/memory'
import { type Auth, CurrentAuth, LatchkeyModule, Public } from 'latchkey/nest'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('dev') })
const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })

@Controller()
class AppController {
  @Public()
  @Post('sign-in')
  async signIn() {
    return latchkey.issue({ subject: 'ada' })
  }

  @Get('me')
  me(@CurrentAuth() auth: Auth) {
    return { id: auth.subject }
  }
}

@Module({ imports: [LatchkeyModule.forRoot({ latchkey })], controllers: [AppController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(process.env.PORT ?? 3000)
