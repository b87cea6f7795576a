import 'reflect-metadata'
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  Post,
  Req,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { JwtModule, JwtService } from '@nestjs/jwt'

@Injectable()
class AuthGuard implements CanActivate {
  constructor(private readonly jwt: JwtService) {}

  async canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest()
    const [scheme, token] = request.headers.authorization?.split(' ') ?? []
    if (scheme !== 'Bearer') throw new UnauthorizedException()
    try {
      request.user = await this.jwt.verifyAsync(token)
    } catch {
      throw new UnauthorizedException()
    }
    return true
  }
}

@Controller()
class AppController {
  constructor(private readonly jwt: JwtService) {}

  @Post('sign-in')
  async signIn() {
    return { token: await this.jwt.signAsync({ sub: 'ada' }) }
  }

  @UseGuards(AuthGuard)
  @Get('me')
  me(@Req() request: { user: { sub: string } }) {
    return { id: request.user.sub }
  }
}

const jwt = JwtModule.register({ secret: process.env.JWT_SECRET, signOptions: { expiresIn: '15m' } })

@Module({ imports: [jwt], controllers: [AppController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(process.env.PORT ?? 3000)
