# Perl's Net::Radius: a packet of its own making over a plain socket. It knows no Message-Authenticator at all; the
# Response Authenticator is checked by its auth_req_verify.
# Arguments: KIND HOST PORT SECRET SOURCE SIGNED MAC SESSION. Says `reply=NAME` and what it understood.
use strict;
use warnings;
use File::Basename;
use IO::Select;
use IO::Socket::INET;
use Net::Radius::Dictionary;
use Net::Radius::Packet;

my ($kind, $host, $port, $secret, $source, $signed, $mac, $session) = @ARGV;
my $dictionary = Net::Radius::Dictionary->new(dirname(__FILE__) . '/dictionary');
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, LocalAddr => $source, Proto => 'udp')
    or die "no socket: $!";

(my $name = lc $mac) =~ s/-//g;
my $request = Net::Radius::Packet->new($dictionary);
$request->set_identifier($$ & 0xff);
$request->set_attr('User-Name' => $name);
$request->set_attr('Calling-Station-Id' => $mac);
$request->set_attr('NAS-Identifier' => 'perl-old');
$request->set_attr('NAS-Port' => 7);
my $octets;
if ($kind eq 'login') {
    open my $random, '<:raw', '/dev/urandom' or die "no random octets: $!";
    read($random, my $authenticator, 16) == 16 or die 'no random octets';
    $request->set_code('Access-Request');
    $request->set_authenticator($authenticator);
    $request->set_attr('Service-Type' => 'Call-Check');
    $request->set_password($name, $secret);
    $octets = $request->pack;
} else {
    $request->set_code('Accounting-Request');
    $request->set_authenticator('');
    $request->set_attr('Acct-Status-Type' => 'Start');
    $request->set_attr('Acct-Session-Id' => $session);
    $octets = auth_resp($request->pack, $secret, 1);
}
$socket->send($octets);

if (!IO::Select->new($socket)->can_read($ENV{PATIENCE_S})) {
    print "reply=none why=timeout\n";
    exit 0;
}
$socket->recv(my $answer, 4096);
if (!auth_req_verify($answer, $secret, substr($octets, 4, 16))) {
    print "reply=none why=authenticator\n";
    exit 0;
}
my $reply = Net::Radius::Packet->new($dictionary, $answer);
die 'another identifier' if $reply->identifier != $request->identifier;
print 'reply=', $reply->code, "\n";
my %named = ('Tunnel-Private-Group-Id' => 'vlan', 'Session-Timeout' => 'session_timeout');
for my $attribute (sort keys %named) {
    my $value = $reply->attr($attribute);
    print "$named{$attribute}=$value\n" if defined $value;
}
