import 'reflect-metadata'
import { Controller, Get, Module, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'

@Controller()
class AppController {
  @Post('sign-in')
  async signIn() {
    return { token: '' }
  }

  @Get('me')
  me() {
    return { id: 'guest' }
  }
}

@Module({ controllers: [AppController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(process.env.PORT ?? 3000)
