use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

async fn pair() -> (SshStream, Arc<SocketGuard>, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (ours, theirs) = tokio::join!(connect("127.0.0.1", port), listener.accept());
    let (stream, guard) = ours.unwrap();
    (stream, guard, theirs.unwrap().0)
}

#[tokio::test]
async fn the_guard_takes_the_connection_with_it() {
    let (mut stream, guard, mut peer) = pair().await;
    drop(guard);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_waits_unread_is_seen() {
    let (mut stream, guard, mut peer) = pair().await;
    assert!(!guard.has_unread());
    peer.write_all(b"x").await.unwrap();
    stream.get_ref().stream.readable().await.unwrap();
    assert!(guard.has_unread());
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
    assert!(!guard.has_unread());
}

#[cfg(unix)]
#[tokio::test]
async fn a_reset_is_noticed_while_nobody_reads() {
    let (stream, guard, mut peer) = pair().await;
    let guard = Arc::downgrade(&guard);
    peer.write_all(b"unread").await.unwrap();
    stream.get_ref().stream.readable().await.unwrap();
    let broken = broken(&guard);
    tokio::pin!(broken);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut broken).await;
    assert!(early.is_err(), "what came is no end");
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(broken.await.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_options_are_set() {
    let (stream, _guard, _peer) = pair().await;
    let socket = SockRef::from(&stream.get_ref().stream);
    assert!(socket.tcp_nodelay().unwrap());
    #[cfg(target_os = "linux")]
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(super::super::config::TCP_USER_TIMEOUT));
}

#[tokio::test]
async fn what_comes_is_a_sign_of_life_and_a_question_that_arrives_is_none() {
    let (mut stream, guard, mut peer) = pair().await;
    let before = guard.progress();
    stream.write_all(b"are you there?").await.unwrap();
    peer.read_exact(&mut [0; 14]).await.unwrap();
    assert!(!guard.progress().moved_since(before));
    peer.write_all(b"x").await.unwrap();
    stream.read_u8().await.unwrap();
    assert!(guard.progress().moved_since(before));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_queue_that_moves_is_a_sign_of_life_and_one_that_stands_is_none() {
    let (mut stream, guard, mut peer) = pair().await;
    let fill = stream.write_all(&[7; 32 << 20]);
    assert!(tokio::time::timeout(Duration::from_millis(500), fill).await.is_err(), "it is full");
    let before = guard.progress();
    assert!(!guard.progress().moved_since(before));
    let mut taken = vec![0; 64 << 10];
    while !guard.progress().moved_since(before) {
        assert_ne!(peer.read(&mut taken).await.unwrap(), 0, "all of it arrived and nothing moved");
    }
}

#[tokio::test]
async fn the_next_address_is_tried_beside_one_that_says_nothing() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let well = listener.local_addr().unwrap();
    // Its queue is full: the kernel says nothing to whoever else comes.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(0).unwrap();
    let dead = full.local_addr().unwrap();
    let _first = TcpStream::connect(dead).await.unwrap();
    let begun = tokio::time::Instant::now();
    let stream = first_to_answer([dead, well].into_iter()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), well);
    assert!(begun.elapsed() < 3 * NEXT_ADDRESS, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over_and_the_last_error_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let well = listener.local_addr().unwrap();
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let stream = first_to_answer([nobody, well].into_iter()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), well);
    let error = first_to_answer([nobody].into_iter()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(first_to_answer(std::iter::empty()).await.is_err());
}
