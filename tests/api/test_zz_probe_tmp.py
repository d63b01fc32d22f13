import json
import warnings
def show(name, r, n=600): print(f"{name}: {r.status_code} {r.content[:n]!r}")
def test_docs(acme):
    for p in ("/docs","/redoc"): print(acme.client.get(p).content.decode()[:6000])
    d=json.loads(acme.client.get("/openapi.json").content)
    print(json.dumps(d["paths"]["/search"],indent=0)[:1500]); print(json.dumps(d["paths"]["/health"],indent=0)[:600]); print(list(d["paths"]), d.get("security"))
    r=acme.get("/search"); print(r.headers)
    from openapi_spec_validator import validate
    validate(d)
def test_a(acme):
    show("many", acme.get("/api/v1/memories?"+"a&"*1001))
def test_b(acme):
    show("charset", acme.client.generic("GET","/api/v1/memories?limit=1",b"x","application/json; charset=base64",headers={"authorization":f"Bearer {acme.token}"}))
def test_c(acme):
    show("imp nan", acme.post("/api/v1/memories",{"content":"x","importance":"nan"}))
def test_d(acme):
    show("emb zero", acme.post("/api/v1/memories",{"content":"x","embedding":[0.0]*384}))
    show("s", acme.post("/api/v1/search",{"query":"x"}))
def test_e(acme):
    show("emb nan", acme.post("/api/v1/memories",{"content":"x","embedding":["nan"]*384}))
def test_f(acme):
    show("emb big", acme.post("/api/v1/memories",{"content":"x","embedding":[1e300]*384}))
def test_f2(acme):
    show("emb big bulk", acme.send("/api/v1/memories/bulk",json.dumps({"content":"x","embedding":[1e300]*384}),"application/x-ndjson"))
def test_g(acme):
    for v in ("0001-01-01T00:00:00+14:00","9999-12-31T23:59:59-14:00",1e30,-1e30,"-1","0000-00-00",0):
        r=acme.post("/api/v1/memories",{"content":"x","valid_from":v}); show(f"vf {v}",r)
        if r.status_code==201:
            show("get", acme.get("/api/v1/memories/"+r.json()["id"])); 
            show("list", acme.get("/api/v1/memories?limit=1"))
def test_h(acme):
    show("dup links", acme.post("/api/v1/memories",{"content":"x","external_id":"a","links":[{"kind":"follows","external_id":"b"}]*2}))
    show("self link", acme.post("/api/v1/memories",{"content":"x","external_id":"s","links":[{"kind":"follows","external_id":"s"}]}))
def test_i(acme):
    for _ in range(2): show("1e23", acme.post("/api/v1/memories",{"content":"x","external_id":"a","metadata":{"a":1e23}}))
    for v in (True,1): show("bool", acme.post("/api/v1/memories",{"content":"x","external_id":"b","metadata":{"a":v}}))
def test_j(acme):
    show("user sur", acme.post("/store",{"content":"x"},**{"x-user-id":"\udcff"}))
def test_k(acme, settings):
    import ipaddress
    settings.LIFTOS_TRUSTED_PROXIES=[ipaddress.ip_network("127.0.0.0/8")]; settings.LIFTOS_TRUSTED_CREATE=True
    for _ in range(2): show("gw", acme.client.post("/store",'{"content":"x"}',content_type="application/json",headers={"x-org-id":"Big Corp","x-user-id":"u"}))
    for o in ("ACME","!!!","x"*70,"acme"): show("gw "+o, acme.client.post("/store",'{"content":"x"}',content_type="application/json",headers={"x-org-id":o,"x-user-id":"u"}))
def test_l(acme):
    show("host", acme.get("/search",host="evil.example"))
    show("host", acme.get("/api/v1/memories",host="evil.example"))
    show("path ff", acme.get("/api/v1/memories/%ff")); show("path nul", acme.get("/api/v1/memories/%00")); show("uuid upper", acme.get("/api/v1/memories/01A2052E-3A70-7151-AC7B-66EB8336F036"))
    show("chunk/", acme.get("/api/v1/memories/"))
    show("cl", acme.client.generic("POST","/search",b"{}","application/json",CONTENT_LENGTH="zz"))
def test_m(acme):
    show("lim", acme.post("/api/v1/search",{"query":"x","limit":1e30}))
    show("lim", acme.send("/api/v1/search",'{"query":"x","limit":1e300}',"application/json"))
    show("lim", acme.send("/api/v1/search",'{"query":"x","limit":"1'+"0"*5000+'"}',"application/json"))
    show("filters", acme.post("/api/v1/search",{"query":"x","filters":{"a":{"$gt":"x"*100000},"b"*100000:1,"":2,"a..b":None}}))
    show("tags", acme.post("/api/v1/memories",{"content":"x","tags":["\ud83d\ude00"*50,""],"source":"\U0001f600"*100,"external_id":"\U0001f600"*300,"memory_type":"\U0001f600"*100, "metadata":{"\U0001f600"*200:"\U0001f600"*200},"links":[{"kind":"about","external_id":"\U0001f601"*300}]}))
