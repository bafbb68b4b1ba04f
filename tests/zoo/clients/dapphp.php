<?php
// PHP's Dapphp\Radius. Signs when told to; checks the Response Authenticator alone. It has Access-Requests of
// Service-Type Login only, so a small subclass says Call-Check instead, and lends it what RFC 2866 wants of an
// Accounting-Request: two attributes and the Request Authenticator (section 3).
// Arguments: KIND HOST PORT SECRET SOURCE SIGNED MAC SESSION. Says `reply=NAME` and what it understood.
require 'Dapphp/Radius/autoload.php';

class Nas extends \Dapphp\Radius\Radius
{
    public string $session = '';

    public function setPacketType($type)
    {
        return parent::setPacketType($this->session != '' ? self::TYPE_ACCOUNTING_REQUEST : $type);
    }

    public function setAttribute($type, $value)
    {
        if ($type == 6) {
            return $this->session != '' ? $this : parent::setAttribute(6, 10);
        }
        return parent::setAttribute($type, $value);
    }

    public function generateRadiusPacket()
    {
        if ($this->session == '') {
            return parent::generateRadiusPacket();
        }
        $this->setRequestAuthenticator(str_repeat("\0", 16));
        $more = "\x28\x06\0\0\0\x01\x2c" . chr(2 + strlen($this->session)) . $this->session;
        $unsigned = parent::generateRadiusPacket() . $more;
        $unsigned = substr_replace($unsigned, pack('n', strlen($unsigned)), 2, 2);
        $this->setRequestAuthenticator(md5($unsigned . $this->getSecret(), true));
        return substr_replace($unsigned, $this->getRequestAuthenticator(), 4, 16);
    }
}

[, $kind, $host, $port, $secret, $source, $signed, $mac, $session] = $argv;
$names = [2 => 'Access-Accept', 3 => 'Access-Reject', 5 => 'Accounting-Response'];
$name = strtolower(str_replace('-', '', $mac));
$nas = new Nas($host, $secret, '', (int) getenv('PATIENCE_S'), (int) $port, (int) $port);
$nas->setNasIPAddress('192.0.2.7');
$nas->setNasPort(7);
$nas->setAttribute(31, $mac);
$nas->setAttribute(32, 'php');
if ($kind == 'start') {
    $nas->session = $session;
    $nas->accessRequest($name);
} else {
    if ($signed == 'signed') {
        $nas->setIncludeMessageAuthenticator();
    }
    $nas->accessRequest($name, $name);
}
$code = $nas->getResponsePacket();
if (!$code || ($nas->getErrorCode() && $nas->getErrorCode() != 3)) {
    print 'reply=none why=' . $nas->getErrorMessage() . "\n";
    exit(0);
}
if ($code == 2 || $code == 3 || $code == 5) {
    print "reply={$names[$code]}\n";
}
foreach ($nas->getReceivedAttributes() ?? [] as [$type, $value]) {
    if ($type == 27) {
        print "session_timeout=$value\n";
    }
}
